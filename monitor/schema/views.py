"""The views: the public contract. README documents them column by column; a test holds the two together."""

from __future__ import annotations

VIEWS = {
    "v_posts": """
        SELECT p.id AS post, b.name AS brand, b.role, p.platform, p.native_id, p.url, p.kind, p.text,
               p.author_key, p.author_name, p.followers, p.published_at, p.counted_at, p.arrived_at, p.live, p.gone_at,
               p.purged_at,
               m.via, m.term, m.span_start, m.span_end, m.label, m.p_negative, m.model, m.opens_voice,
               m.quote_start, m.quote_end,
               (SELECT l."by" FROM labels l WHERE l.post = p.id AND (l.brand = m.brand OR l.brand IS NULL)
                ORDER BY l.brand IS NULL, l.id DESC LIMIT 1) AS corrected_by,
               (SELECT s.snownlp FROM scores s WHERE s.post = p.id AND s.brand IS NULL ORDER BY s.id DESC LIMIT 1)
                   AS snownlp,
               g."group" AS copy_group, coalesce(st.merged_into, st.id) AS story,
               (SELECT e.likes FROM engagement e WHERE e.post = p.id ORDER BY e.seen_at DESC LIMIT 1) AS likes,
               (SELECT e.reposts FROM engagement e WHERE e.post = p.id ORDER BY e.seen_at DESC LIMIT 1) AS reposts,
               (SELECT e.comments FROM engagement e WHERE e.post = p.id ORDER BY e.seen_at DESC LIMIT 1) AS comments
        FROM mentions m JOIN posts p ON p.id = m.post JOIN brands b ON b.id = m.brand
        LEFT JOIN group_members g ON g.post = p.id LEFT JOIN groups gr ON gr.id = g."group"
        LEFT JOIN stories st ON st.id = gr.story""",
    "v_posts_unmatched": """
        SELECT p.id AS post, p.platform, p.native_id, p.url, p.kind, p.text, p.counted_at, p.arrived_at,
               p.purged_at, o.name AS answer_of
        FROM posts p LEFT JOIN brands o ON o.id = p.own_brand
        WHERE NOT EXISTS (SELECT 1 FROM mentions m WHERE m.post = p.id)""",
    "v_hourly": """
        SELECT b.name AS brand, k.local_day, k.hour, k.utc_offset, c.platform, min(c.bin) AS first_bin,
               sum(c.mentions) AS mentions, sum(c.negative_posts) AS negative_posts,
               sum(c.negative_voices) AS negative_voices, sum(c.other) AS other,
               group_concat(DISTINCT nullif(c.model, '')) AS models
        FROM counts c JOIN brands b ON b.id = c.brand JOIN calendar k ON k.bin = c.bin
        GROUP BY b.name, k.local_day, k.hour, k.utc_offset, c.platform""",
    "v_daily": """
        SELECT b.name AS brand, k.local_day, k.weekday, c.platform,
               sum(c.mentions) AS mentions, sum(c.negative_posts) AS negative_posts,
               sum(c.negative_voices) AS negative_voices, sum(c.other) AS other,
               group_concat(DISTINCT nullif(c.model, '')) AS models
        FROM counts c JOIN brands b ON b.id = c.brand JOIN calendar k ON k.bin = c.bin
        GROUP BY b.name, k.local_day, k.weekday, c.platform""",
    "v_stories": """
        SELECT coalesce(s.merged_into, s.id) AS story, b.name AS brand, min(p.counted_at) AS first_seen,
               max(p.counted_at) AS last_seen, count(*) AS posts, count(DISTINCT gm."group") AS texts,
               count(*) - count(DISTINCT gm."group") AS copies,
               coalesce(sum(m.label = 'negative'), 0) AS negative_posts, sum(m.opens_voice) AS voices,
               count(DISTINCT p.author_key) AS authors, group_concat(DISTINCT p.platform) AS platforms,
               max(p.followers) AS most_followers
        FROM mentions m JOIN posts p ON p.id = m.post JOIN brands b ON b.id = m.brand
        JOIN group_members gm ON gm.post = p.id JOIN groups g ON g.id = gm."group" JOIN stories s ON s.id = g.story
        GROUP BY 1, m.brand""",
    "v_signals": """
        SELECT b.name AS brand, g.post, g.kind, g.theme, g.start, g."end",
               substr(p.text, g.start + 1, g."end" - g.start) AS evidence,
               g.rule, m.label, m.opens_voice, p.platform, p.url, g.counted_at
        FROM signals g JOIN posts p ON p.id = g.post JOIN brands b ON b.id = g.brand
        JOIN mentions m ON m.post = g.post AND m.brand = g.brand""",
    "v_complaints": """
        SELECT c.id AS complaint, b.name AS brand, c.post, p.platform, p.url,
               (SELECT coalesce(st.merged_into, st.id) FROM group_members gm JOIN groups g ON g.id = gm."group"
                JOIN stories st ON st.id = g.story WHERE gm.post = c.post) AS story,
               c.themes, c.severity, c.first_seen, c.last_seen, c.posts, c.voices, c.authors, c.reach,
               c.likes, c.reposts, c.comments, c.state, c.since, c.answered_at, c.answer AS answered_by,
               c.time_to_answer, c.recovered_at, c.time_to_recovery, c.recovered_by, c.recovery, c.lost_at,
               c.corrected_by, substr(q.text, c.quote_start + 1, c.quote_end - c.quote_start) AS evidence
        FROM complaints c JOIN brands b ON b.id = c.brand JOIN posts p ON p.id = c.post
        LEFT JOIN posts q ON q.id = c.quote_post
        WHERE c.posts > 0""",
    "v_complaint_events": """
        SELECT e.id AS event_id, e.complaint, b.name AS brand, e.at, e.event, e.state, e."by", e.note
        FROM complaint_events e JOIN complaints c ON c.id = e.complaint JOIN brands b ON b.id = c.brand""",
    "v_complaint_posts": """
        SELECT t.complaint, b.name AS brand, m.post, p.platform, p.url, p.counted_at, p.author_key, p.followers,
               m.opens_voice
        FROM complaint_texts t CROSS JOIN group_members gm ON gm."group" = t."group"
        CROSS JOIN mentions m ON m.post = gm.post AND m.brand = t.brand CROSS JOIN posts p ON p.id = m.post
        CROSS JOIN brands b ON b.id = t.brand
        WHERE coalesce((SELECT l.label FROM labels l WHERE l.post = m.post AND (l.brand = m.brand OR l.brand IS NULL)
                        ORDER BY l.brand IS NULL, l.id DESC LIMIT 1) NOT IN ('neutral', 'positive'), 1)""",
    "v_engagement": "SELECT post, seen_at, likes, reposts, comments FROM engagement",
    "v_incidents": """
        SELECT i.id AS incident, b.name AS brand, i.origin, i.state, i.severity, i.onset, i.first_bin, i.last_bin,
               i.opened_at, i.resolved_at, i.owner, i.observed, i.expected, i.kind, i.story, i.ending, i.taken_at,
               i.escalate_at, i.escalated_at, i.reopened_at, i.mailed_at,
               (SELECT max(s.until) FROM silences s WHERE i.state = 'silenced' AND s.ended = 0 AND s.brand = i.brand
                AND (s.incident = i.id OR s.incident IS NULL)) AS silenced_until,
               (SELECT count(*) FROM spikes s WHERE s.incident = i.id) AS spikes,
               (SELECT count(*) FROM outbox o WHERE o.incident = i.id) AS mails_owed,
               (SELECT count(*) FROM outbox o WHERE o.incident = i.id AND NOT EXISTS
                   (SELECT 1 FROM deliveries d WHERE d.outbox = o.id AND d.state <> 'sent')) AS mails_sent
        FROM incidents i JOIN brands b ON b.id = i.brand""",
    "v_incident_events": """
        SELECT e.id AS event_id, e.incident, b.name AS brand, e.at, e.event, e.reason, e."by", e.evidence
        FROM incident_events e JOIN incidents i ON i.id = e.incident JOIN brands b ON b.id = i.brand""",
    "v_digests": """
        SELECT b.name AS brand, 'day' AS period, d.day, d.revision, d.made_at, d.late, d.verdict, d.mentions,
               d.negative_posts, d.negative_voices, d.heard, d.summary, d.file
        FROM digests d JOIN brands b ON b.id = d.brand
        UNION ALL
        SELECT b.name, 'week', w.day, w.revision, w.made_at, w.late, w.verdict, w.mentions, w.negative_posts,
               w.negative_voices, w.heard, w.summary, w.file
        FROM weeks w JOIN brands b ON b.id = w.brand""",
    "v_coverage": """
        SELECT source, "from", "to", iif(late, 'heard late', 'heard') AS state, '' AS reason FROM heard
        UNION ALL
        SELECT g.source, g."from", g."to",
               iif(EXISTS (SELECT 1 FROM source_runs r WHERE r.source = g.source
                           AND r.gap_from < g."to" AND r.gap_to > g."from")
                   AND NOT EXISTS (SELECT 1 FROM source_runs r WHERE r.source = g.source AND r.pages = 0
                                   AND r.state NOT IN ('ok', 'running', 'interrupted')
                                   AND r.started_at >= g."from" AND r.started_at <= g."to"), 'partial', 'blind'),
               coalesce((SELECT r.state || iif(r.detail = '', '', ': ' || r.detail) FROM source_runs r
                         WHERE r.source = g.source AND r.state NOT IN ('ok', 'running', 'interrupted')
                         AND r.started_at >= g."from" AND r.started_at <= g."to"
                         ORDER BY r.started_at DESC LIMIT 1), '')
        FROM (SELECT source, max("to") OVER w AS "from", lead("from") OVER (PARTITION BY source ORDER BY "from") AS "to"
              FROM heard WINDOW w AS (PARTITION BY source ORDER BY "from")) g
        WHERE g."to" > g."from"
        UNION ALL
        SELECT b.source, b."from", (SELECT max(started_at) FROM source_runs),
               iif(b.some AND NOT b.silent, 'partial', 'blind'), coalesce(b.reason, '')
        FROM (SELECT r.source, coalesce(h.heard_to, (SELECT min(f.started_at) FROM source_runs f
                                                     WHERE f.source = r.source)) AS "from",
                     max(r.gap_to IS NOT NULL) AS some, max(r.state <> 'ok' AND r.pages = 0) AS silent,
                     (SELECT l.state || iif(l.detail = '', '', ': ' || l.detail) FROM source_runs l
                      WHERE l.source = r.source AND l.state NOT IN ('ok', 'running', 'interrupted')
                      AND (h.heard_to IS NULL OR l.started_at > h.heard_to)
                      ORDER BY l.started_at DESC, l.id DESC LIMIT 1) AS reason
              FROM source_runs r
              LEFT JOIN (SELECT source, max("to") AS heard_to FROM heard GROUP BY source) h ON h.source = r.source
              WHERE r.state NOT IN ('running', 'interrupted') AND (r.state <> 'ok' OR r.gap_to IS NOT NULL)
              AND (h.heard_to IS NULL OR r.started_at > h.heard_to)
              GROUP BY r.source) b
        WHERE b.silent OR NOT b.some OR b."from" < (SELECT max(started_at) FROM source_runs)""",
    "v_travel": """
        SELECT b.name AS brand, t.day AS local_day, t.days, t."from", t."to", t.window, t.negatives, t.positives,
               t.ratio, t.low, t.high, t.ratio IS NOT NULL AS enough, t.verdict, t.lack, t.needed,
               max(iif(m.measure = 'copies', m.ratio, NULL)) AS copies_ratio,
               max(iif(m.measure = 'reposts', m.ratio, NULL)) AS reposts_ratio,
               max(iif(m.measure = 'comments', m.ratio, NULL)) AS comments_ratio,
               max(iif(m.measure = 'platforms', m.ratio, NULL)) AS platforms_ratio,
               max(iif(m.measure = 'speed', m.ratio, NULL)) AS speed_ratio, t.made_at
        FROM travel t JOIN brands b ON b.id = t.brand
        LEFT JOIN travel_measures m ON m.brand = t.brand AND m.day = t.day AND m.days = t.days
        GROUP BY t.brand, t.day, t.days""",
    "v_travel_measures": """
        SELECT b.name AS brand, m.day AS local_day, m.days, m.measure, m.negatives, m.positives, m.negative_mean,
               m.positive_mean, m.ratio, m.low, m.high
        FROM travel_measures m JOIN brands b ON b.id = m.brand""",
    "v_travel_stories": """
        SELECT b.name AS brand, t.story, t.post, t.first_seen, m.label, p.platform, p.followers, p.author_key,
               t.posts, t.copies, t.replies, t.platforms, t.doubling, l.at AS looked_at,
               (SELECT e.reposts FROM engagement e WHERE e.post = t.post AND e.seen_at <= l.at
                ORDER BY e.seen_at DESC LIMIT 1) AS reposts,
               (SELECT e.comments FROM engagement e WHERE e.post = t.post AND e.seen_at <= l.at
                ORDER BY e.seen_at DESC LIMIT 1) AS comments
        FROM travel_stories t JOIN brands b ON b.id = t.brand JOIN posts p ON p.id = t.post
        JOIN mentions m ON m.post = t.post AND m.brand = t.brand
        LEFT JOIN travel_looks l ON l.post = t.post
            AND l.at >= strftime('%Y-%m-%dT%H:%M:%SZ', t.first_seen, '+24 hours')
            AND l.at <= strftime('%Y-%m-%dT%H:%M:%SZ', t.first_seen, '+36 hours')""",
}
