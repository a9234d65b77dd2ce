-- Calls with a node's role that a pod made, with the workload that the inventory tells. `program` stands for it where none is
-- told. An activity may be several rows.
SELECT calls.*, told.workload, told.candidates,
       CASE WHEN calls.service_account IS NULL OR told.workload IS NULL THEN coalesce(calls.component, user_agent_program(calls.user_agent)) END AS program
FROM held_attribution AS calls
LEFT JOIN activity_identities AS told ON told.activity_id = calls.activity_id
WHERE calls.access_path = 'node_role' AND calls.actor = 'workload'
