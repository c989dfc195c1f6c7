-- Every cell of the form that a setting counts in, and every placement that is moved between,
-- exists.
with

named as (
    select
        '1.2a.' || form_cell as name,
        'cell' as kind,
    from {{ ref('setting_columns') }}
    where form_cell <> 'unknown'
    union all
    select
        unnest(string_split(codes, ' > ')) as name,
        'place' as kind,
    from {{ ref('form_cells') }}
    where measure = 'moves'
),

known as (
    select
        item as name,
        'cell' as kind,
    from {{ ref('form_cells') }}
    union all
    select
        unnest([placement, establishment_group]) as name,
        'place' as kind,
    from {{ ref('form_cells') }}
)

select
    named.name,
    named.kind,
from named
anti join known on named.name = known.name and named.kind = known.kind
