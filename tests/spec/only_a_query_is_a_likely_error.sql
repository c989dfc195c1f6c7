-- Only a query is marked as one that COLLECT may list as an error.
select rule_id,
from {{ ref('rules') }}
where likely_error and severity <> 'query'
