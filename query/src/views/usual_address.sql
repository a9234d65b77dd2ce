
           -- Addresses that pods of most clusters have, and all of IPv6: more than are private, for it costs only a row each.
           (address LIKE '10.%' OR address LIKE '172.%' OR address LIKE '192.168.%' OR address LIKE '100.%' OR address LIKE '%:%')
