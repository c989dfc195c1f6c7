-- One row per return: the authority's designated officers.
{% set officers = {'des_med_off': 'dmo', 'des_clin_off': 'dco', 'des_so_care_off': 'dsco'} %}
select
    returns.return_id,
    returns.survey_year as time_period,
    'Calendar year' as time_identifier,
    'Local authority' as geographic_level,
    'E92000001' as country_code,
    'England' as country_name,
    returns.region_code,
    returns.region_name,
    returns.new_la_code,
    returns.old_la_code,
    returns.la_name,
    {% for column, item in officers.items() %}
        case
            {{ "when not returns.has_social_care_officer then 'n/a'" if item == 'dsco' }}
            when sen2.{{ item }} = 'Y' then 'Yes'
            when sen2.{{ item }} = 'N' then 'No'
            when sen2.{{ item }} = 'R' then 'Recruiting'
            else 'Not returned'
        end as {{ column }},
    {% endfor %}
from {{ ref('published_returns') }} as returns
inner join {{ ref('sen2') }} as sen2 on returns.return_id = sen2.return_id
