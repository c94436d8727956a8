-- Nobody asks for plans by what these columns hold, so that statistics of them help no query. Of an array they are costly:
-- every element is counted. Plans that are made by the thousand a second bring the table to be analysed every minute.
alter table subscription_plans
    alter column plan_name           set statistics 0,
    alter column description         set statistics 0,
    alter column instruments         set statistics 0,
    alter column performance_metrics set statistics 0,
    alter column validation_results  set statistics 0,
    alter column rejected            set statistics 0,
    alter column metadata            set statistics 0,
    alter column cache_key           set statistics 0;
