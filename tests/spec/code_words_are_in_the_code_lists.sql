-- Every code that has a word is in its code list in the person level years in which it has it.
select
    words.codeset,
    words.code,
from {{ ref('code_words') }} as words
anti join {{ ref('codes') }} as codes
    on
        words.code = codes.code
        and words.codeset = case
            when starts_with(codes.codeset, 'SENSetting_') then 'SENSetting'
            else codes.codeset
        end
        and words.year_from <= codes.year_to
        and words.year_to >= codes.year_from
