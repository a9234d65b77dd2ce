-- Calls per hour of a row of the view fallbacks.
SELECT id, hour, calls, denied
FROM fallback_hours
WHERE ($id IS NULL OR id = $id)
ORDER BY id, hour
