//! Parses ingest requests: a JSON body, or the query of an upload.

use std::path::Path;
use std::time::Instant;

use chrono::NaiveDate;
use registry_actors::ingest::source::{Origin, Source, fetchable, is_url, open_below};
use registry_actors::ingest::spool::Spool;
use registry_actors::ingest::{Force, IngestSettings, PRIORITY_DEFAULT};
use registry_planning::ingest::selection::{Filters, Mode, Selection};
use registry_planning::vocabulary::{Broker, Word};
use utoipa::ToSchema;

use super::TIMEOUT;
use crate::http::blocking::run_file_call;
use crate::http::body::{Fields, JsonBody, parse_date};
use crate::http::instruments::BOOLEANS;
use crate::http::problem::{Fault, Problem};
use crate::http::query::{Parameters, whole};
use crate::http::schema::types;

const PRIORITIES: &str = "an integer from 1 to 10 or one of low, normal, high";
const SOURCE_CHARACTERS_MAX: usize = 2000;
const FILE_NAME_CHARACTERS_MAX: usize = 255;
const FOLDER_NEEDED: &str = "a file requires INSTRUMENT_REGISTRY_INGEST_FOLDER, which is not set; send the file as \
                             application/octet-stream";
const PART_NEEDED: &str = "`on_demand` requires a filter: at least one of `exchanges`, `segments`, `instrument_types`";

/// The file to ingest and its options. Every field may be absent or null.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // The body is read field by field; this is its documentation.
pub(crate) struct IngestBody {
    /// The broker. It must be the broker in the path.
    #[schema(value_type = Option<types::FileBroker>)]
    broker_id: Option<Broker>,
    /// The way in which the file replaces the last load of the broker. `full_catalog` (default): instruments that the file
    /// lacks become inactive. `incremental`: the file adds and updates instruments. `on_demand`: as `full_catalog`, limited
    /// to the instruments that `filters` select.
    mode: Option<Mode>,
    /// The instruments of the broker that the file covers. `on_demand` requires a filter. If they are absent or null,
    /// the file covers all.
    filters: Option<Filters>,
    /// The priority. The queued job with the highest priority runs first. If it is absent or null, it is 5.
    priority: Option<IngestPriority>,
    /// The source: a file below the configured folder, or an http(s) URL of a configured origin. It is required unless a
    /// source is configured for the broker.
    #[schema(min_length = 1, max_length = 2000, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    source: Option<String>,
}

/// The priority of a job: a number, or a word for 1, 5 or 10.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code)] // As above.
pub(crate) enum IngestPriority {
    Number(types::PriorityNumber),
    Word(types::PriorityWord),
}

pub(super) struct IngestRequest<S = Source> {
    pub(super) selection: Selection,
    pub(super) priority: u8,
    pub(super) source: S,
    pub(super) file_date: Option<NaiveDate>,
    pub(super) force: Force,
}

/// The name of a file that is not yet uploaded.
pub(super) struct PendingUpload(String);

impl IngestRequest<PendingUpload> {
    pub(super) fn with_upload(self, spool: Spool) -> IngestRequest {
        let IngestRequest { selection, priority, source: PendingUpload(name), file_date, force } = self;
        IngestRequest { selection, priority, source: Source::Upload { name, spool }, file_date, force }
    }
}

fn file_date(parameters: &mut Parameters) -> Option<NaiveDate> {
    parameters.optional("file_date", "a date as YYYY-MM-DD", parse_date)
}

fn force(parameters: &mut Parameters) -> Force {
    let force = parameters.optional("force", BOOLEANS, |text| text.parse().ok());
    if force == Some(true) { Force::Yes } else { Force::No }
}

pub(super) fn parse_upload_query(mut parameters: Parameters) -> Result<IngestRequest<PendingUpload>, Problem> {
    fn list<T: Word>(parameters: &mut Parameters, name: &str) -> Vec<T> {
        let expected = format!("a comma-separated list of {}", T::WORDS);
        let list = |text: &str| text.split(',').map(|word| T::parse(word.trim())).collect();
        parameters.optional(name, &expected, list).unwrap_or_default()
    }
    // PostgreSQL cannot store U+0000 in a text, and the name is shown in logs and terminals.
    let name = parameters.optional("file_name", "1 to 255 characters other than control characters", |text| {
        let is_allowed =
            (1..=FILE_NAME_CHARACTERS_MAX).contains(&text.chars().count()) && !text.contains(char::is_control);
        is_allowed.then(|| text.to_owned())
    });
    let mode = parameters.optional_word("mode").unwrap_or_default();
    let priority = parameters.optional("priority", PRIORITIES, |text| {
        word_priority(text).or_else(|| whole(text).filter(|priority| (1..=10).contains(priority)))
    });
    let filters = Filters {
        exchanges: list(&mut parameters, "exchanges"),
        segments: list(&mut parameters, "segments"),
        instrument_types: list(&mut parameters, "instrument_types"),
    };
    if mode == Mode::OnDemand && filters.is_empty() {
        parameters.fault("mode", PART_NEEDED.to_owned());
    }
    let (file_date, force) = (file_date(&mut parameters), force(&mut parameters));
    parameters.check()?;
    Ok(IngestRequest {
        selection: Selection { mode, filters },
        priority: priority.unwrap_or(PRIORITY_DEFAULT),
        source: PendingUpload(name.unwrap_or_default()),
        file_date,
        force,
    })
}

pub(super) async fn parse_ingest_body(
    broker: Broker,
    body: &JsonBody,
    mut parameters: Parameters,
    settings: &IngestSettings,
) -> Result<IngestRequest, Problem> {
    let (file_date, force) = (file_date(&mut parameters), force(&mut parameters));
    let mut fields = body.optional_fields()?;
    let expected = format!("`{}` (the broker in the path)", broker.as_str());
    let named = fields.optional_form("broker_id", Broker::parse, &expected);
    if let Some(other) = named.filter(|named| *named != broker) {
        fields.fault("broker_id", format!("expected {expected}, got `{}`", other.as_str()));
    }
    let mode = fields.optional_word("mode").unwrap_or_default();
    let mut inner = fields.optional_object("filters");
    let filters = Filters {
        exchanges: inner.optional_words("exchanges"),
        segments: inner.optional_words("segments"),
        instrument_types: inner.optional_words("instrument_types"),
    };
    fields.close(inner);
    if mode == Mode::OnDemand && filters.is_empty() {
        fields.fault("mode", PART_NEEDED.to_owned());
    }
    let priority = fields.optional_number_or_word("priority", 1, 10, word_priority, PRIORITIES);
    let named = fields.optional_line("source", 1, SOURCE_CHARACTERS_MAX);
    let source = match named {
        Some(text) => named_source(&text, settings).await?.map_err(|why| fields.fault("source", why)).ok(),
        None if fields.has_fault("source") => None,
        None => {
            let configured = settings.sources.get(&broker).and_then(|source| source.source());
            if configured.is_none() {
                let key = format!("INSTRUMENT_REGISTRY_INGEST_SOURCE_{}", broker.as_str().to_uppercase());
                fields.fault("source", format!("is required, because {key} is not set"));
            }
            configured
        }
    };
    fields.finish(parameters.finish())?;
    // If there is no fault, there is a source.
    let source = source.ok_or_else(Problem::internal)?;
    let priority = priority.unwrap_or(PRIORITY_DEFAULT);
    Ok(IngestRequest { selection: Selection { mode, filters }, priority, source, file_date, force })
}

/// Returns the source that a caller names. It must be below the configured folder or have a configured origin.
async fn named_source(text: &str, settings: &IngestSettings) -> Result<Result<Source, String>, Problem> {
    if is_url(text) {
        return Ok(named_url(text, settings));
    }
    let Some(folder) = settings.folder.clone() else {
        return Ok(Err(FOLDER_NEEDED.to_owned()));
    };
    let path = text.to_owned();
    let found = run_file_call(Instant::now() + TIMEOUT, move || open_below(&folder, Path::new(&path))).await?;
    Ok(found.map(|(path, file)| Source::File { path, opened: Some(file) }))
}

fn named_url(text: &str, settings: &IngestSettings) -> Result<Source, String> {
    let url = fetchable(text).ok_or("must be a URL http(s)://HOST… without user, password or fragment")?;
    let origin = Origin::of(&url);
    if settings.origins.contains(&origin) {
        return Ok(Source::Url(url));
    }
    Err(format!("origin {origin} is not in INSTRUMENT_REGISTRY_INGEST_ORIGINS"))
}

fn word_priority(word: &str) -> Option<u8> {
    match word {
        "low" => Some(1),
        "normal" => Some(PRIORITY_DEFAULT),
        "high" => Some(10),
        _ => None,
    }
}

impl Fields<'_> {
    fn has_fault(&self, name: &str) -> bool {
        self.faults().iter().any(|Fault { pointer, .. }| pointer.strip_prefix('/') == Some(name))
    }
}
