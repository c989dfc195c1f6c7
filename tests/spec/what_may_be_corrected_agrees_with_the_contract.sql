-- The macro that corrects values knows each table's key and columns as the contract gives them.
with

known as (
    {% for table_name, table in correctable().items() %}
        {% set keys = [table.key] + ([table.other_key] if table.other_key else []) %}
        select
            '{{ table_name }}' as table_name,
            unnest({{ keys + table.columns }}) as column_name,
            unnest({{ ['true'] * keys | length + ['false'] * table.columns | length }})::boolean
                as is_key,
            {{ table.is_unique }} as is_unique,
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

contract as (
    select
        table_name,
        column_name,
        key is not null as is_key,
        bool_or(list_contains(string_split(coalesce(key, ''), ' '), 'pk'))
            over (partition by table_name) as is_unique,
    from {{ ref('extract_contract') }}
    -- Where a table has a key of its own, its parents' keys name no row of it.
    qualify
        key is null
        or not is_unique
        or list_contains(string_split(key, ' '), 'pk')
)

select
    known.*,
    contract.*,
from known
full join contract
    on known.table_name = contract.table_name
        and known.column_name = contract.column_name
        and known.is_key = contract.is_key
        and known.is_unique = contract.is_unique
where known.table_name is null or contract.table_name is null
