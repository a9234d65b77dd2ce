       -- The hour of a row's first call, cut as a number: date_trunc fails for times beyond the years 1677 to 2262.
       arrow_cast(arrow_cast(first_event_time, 'Int64') - (arrow_cast(first_event_time, 'Int64') % 3600000000 + 3600000000) % 3600000000, 'Timestamp(Microsecond, Some("UTC"))')
