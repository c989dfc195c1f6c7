-- Every code that a return may use for a place without a number is counted in some column.
select codes.code,
from {{ ref('codes') }} as codes
anti join {{ ref('setting_columns') }} as columns
    on codes.code = columns.kind and columns.is_setting_code
where codes.codeset like 'SENSetting%'
