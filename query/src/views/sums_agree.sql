-- Whether the sums per hour are of the very events that the table has. Between two steps of a commit they are not.
SELECT (SELECT count(*) FROM events)
           = coalesce((SELECT sum(calls) FROM hourly_attribution), 0) + coalesce((SELECT sum(calls) FROM hourly_unattributed), 0) AS agree
