-- One row per plan issued in the calendar year whose time counts, per return.
-- A plan that mediation or a tribunal had part in, or whose request has no date, has no time.
select * from {{ ref('assessments_concluded') }}
where
    assessment_outcome_word = 'issued'
    and days is not null
    and not coalesce(greatest(columns('^has_')), false)
