-- Every outcome code is in its code list in every person level year in which it is returned.
select
    collections.collection_year,
    outcome_codes.stage,
    outcome_codes.code,
from {{ ref('collections') }} as collections
inner join {{ ref('outcome_codes') }} as outcome_codes
    on collections.collection_year between outcome_codes.year_from and outcome_codes.year_to
anti join {{ ref('codes') }} as codes
    on
        outcome_codes.code = codes.code
        and codes.codeset = case outcome_codes.stage
            when 'request' then 'RequestOutcome'
            when 'assessment' then 'AssessmentOutcome'
            when 'gender' then 'GenderCurrent'
        end
        and collections.collection_year between codes.year_from and codes.year_to
where collections.has_person_level
