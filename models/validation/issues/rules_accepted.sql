-- One row per rule of which published figures show that returns with what it finds were accepted.
with

bearing as (
    select
        *,
        unnest(string_split(bears_on, ';')) as rule_id,
    from {{ ref('accepted') }}
    where bears_on is not null
)

-- The newest year that is known; in it what most authorities had.
select
    rule_id,
    case
        when authorities_with = 0
            then
                'In none of the ' || authorities_counted
                || ' authorities'' accepted returns of ' || return_year
        when authorities_counted is not null
            then
                'Seen in ' || authorities_with || ' of ' || authorities_counted
                || ' authorities'' accepted returns of ' || return_year
        else 'Seen in accepted returns of ' || return_year
    end || ': ' || what || '.' as accepted,
from bearing
qualify row_number() over (
    partition by rule_id order by return_year desc, authorities_with desc nulls last, what asc
) = 1
