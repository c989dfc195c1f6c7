-- One row: requests, assessments, plans issued, ended and moved, as in DfE's 2022 release.
{% set statement_columns = [
    'Assnone', 'Assnodecision', 'AssRefused', 'Mtosi', 'Sitom', 'MtoPar', 'SitoPar', 'Dislea',
    'Dismet', 'Disoth', 'Disleft', 'TotIncExc', 'IncExc26week', 'TotNoExc', 'NoExc26week',
    'StatementstoEHC', 'StatementstoNoEHC',
] %}
{% set form_columns = [
    'NewallEHC', 'AssnoneEHC', 'AssnodecisionEHC', 'AssRefusedEHC', 'MtosiEHC', 'SitomEHC',
    'MtoParEHC', 'SitoParEHC', 'DisleaEHC', 'DismetEHC', 'DisothEHC', 'DisleftEHC', 'InreqEHC',
    'InreqryaEHC', 'TotIncExcEHC', 'IncExc20weekEHC', 'TotNoExcEHC', 'NoExc20weekEHC',
    'PersonalBudgets', 'OrgArrangements', 'DirectPayEducation', 'DirectPaySocialCare',
    'DirectPayHealth', 'DirectPayIntegrated', 'NewEHCMediation', 'NewEHCTribunal',
] %}
with

counts as (
    select
        {% for column in form_columns %}
            max(number) filter (published_column = '{{ column }}') as {{ column }},
        {% endfor %}
    from {{ ref('form_figures') }}
    where published_file = 'sen2_mi'
),

rates as (
    select
        *,
        NewallEHC + AssnoneEHC as NewallEHC_AssnoneEHC_sum,
        {{ six_figures_of('NewallEHC', 'NewallEHC_AssnoneEHC_sum') }} as NewallEHC_pc,
        {{ six_figures_of('AssnoneEHC', 'NewallEHC_AssnoneEHC_sum') }} as AssnoneEHC_pc,
        {{ six_figures_of('AssRefusedEHC', 'InreqEHC') }} as AssRefusedEHC_pc,
        {{ share_of('IncExc20weekEHC', 'TotIncExcEHC') }} as IncExc20weekRate,
        {{ share_of('NoExc20weekEHC', 'TotNoExcEHC') }} as NoExc20weekRate,
        {{ six_figures_of('NewEHCTribunal', 'NewEHCMediation') }} as NewEHCTribunal_pc,
    from counts
),

-- A rate of nothing is not applicable; a count that is not known is not available.
figures as (
    select
        coalesce(columns('(_pc|Rate)$'), 'z'),
        coalesce(columns(lambda name: not regexp_matches(name, '(_pc|Rate)$'))::varchar, 'x'),
        {% for column in statement_columns %}
            'z' as {{ column }},
        {% endfor %}
    from rates
)

{{ as_published_2022('figures', 'calendar_year') }}
