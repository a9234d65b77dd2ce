-- Addresses that make calls those that the search for pods looks at, on any day.
SELECT CAST(NULL AS DATE) AS event_date, pod_ip FROM unusual_addresses
