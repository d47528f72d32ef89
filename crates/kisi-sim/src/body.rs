//! The body of a write: one JSON object under the resource's name, read field by field.
//!
//! Serde stops at the first error. A 422 names all wrong fields, so the fields are read here, and every error is
//! collected. Fields that are not read are unknown to the endpoint, and the journal lists them: a misspelt field must
//! not pass silently.

use serde_json::{Map, Value};

use crate::clock::parse_timestamp;
use crate::error::{ApiError, BLANK, FieldErrors, INVALID};
use crate::knobs::UnknownInput;
use crate::pipeline::Call;

/// The fields of a body that are not read yet, and the errors of those that are.
#[derive(Debug)]
pub(crate) struct Fields {
    wrapper: &'static str,
    rest: Map<String, Value>,
    beside: Vec<String>,
    errors: FieldErrors,
}

impl Fields {
    /// The object under `wrapper`. Without it the request is refused with 422 [inferred: it may be 400].
    pub(crate) fn read(body: Option<&Value>, wrapper: &'static str) -> Result<Fields, ApiError> {
        let missing = || ApiError::field(wrapper, BLANK);
        let body = body.and_then(Value::as_object).ok_or_else(missing)?;
        let rest = body.get(wrapper).and_then(Value::as_object).ok_or_else(missing)?.clone();
        let beside = body.keys().filter(|name| *name != wrapper).cloned().collect();
        Ok(Fields { wrapper, rest, beside, errors: FieldErrors::new() })
    }

    /// The fields of a body that has no wrapper and may be missing.
    pub(crate) fn unwrapped(body: Option<&Value>) -> Result<Fields, ApiError> {
        let rest = match body {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(body)) => body.clone(),
            Some(_) => return Err(ApiError::BadRequest("The request body is no JSON object")),
        };
        Ok(Fields { wrapper: "", rest, beside: Vec::new(), errors: FieldErrors::new() })
    }

    /// Accepts a documented object beside the wrapper.
    pub(crate) fn allow_beside(&mut self, name: &str) {
        self.beside.retain(|beside| beside != name);
    }

    /// Notes an undocumented field inside another field.
    pub(crate) fn unknown(&mut self, name: String) {
        self.beside.push(name);
    }

    /// Notes that a field is wrong.
    pub(crate) fn wrong(&mut self, name: &str, message: &str) {
        self.errors.entry(name.to_owned()).or_default().push(message.to_owned());
    }

    /// Takes a field as it is.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.rest.remove(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.rest.contains_key(name)
    }

    /// Whether the field is known to be wrong.
    pub(crate) fn is_wrong(&self, name: &str) -> bool {
        self.errors.contains_key(name)
    }

    /// A text; the inner none is null.
    pub(crate) fn text(&mut self, name: &str) -> Option<Option<String>> {
        match self.take(name)? {
            Value::Null => Some(None),
            Value::String(text) => Some(Some(text)),
            _ => self.invalid(name),
        }
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            _ => self.invalid(name),
        }
    }

    /// A flag for which null means that it was left out.
    pub(crate) fn nullable_flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Null => None,
            Value::Bool(flag) => Some(flag),
            _ => self.invalid(name),
        }
    }

    /// A whole number; the inner none is null.
    pub(crate) fn id(&mut self, name: &str) -> Option<Option<u64>> {
        match self.take(name)? {
            Value::Null => Some(None),
            Value::Number(number) if number.is_u64() => Some(number.as_u64()),
            _ => self.invalid(name),
        }
    }

    /// A timestamp; the inner none is null.
    pub(crate) fn timestamp(&mut self, name: &str) -> Option<Option<u64>> {
        match self.text(name)?.map(|text| parse_timestamp(&text)) {
            None => Some(None),
            Some(Ok(ms)) => Some(Some(ms)),
            Some(Err(_)) => self.invalid(name),
        }
    }

    pub(crate) fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.take(name)? {
            Value::Object(object) => Some(object),
            _ => self.invalid(name),
        }
    }

    fn invalid<T>(&mut self, name: &str) -> Option<T> {
        self.wrong(name, INVALID);
        None
    }

    /// A text that must be there and not be blank.
    pub(crate) fn required_text(&mut self, name: &str, message: &str) -> String {
        let text = self.text(name).flatten().unwrap_or_default();
        if text.trim().is_empty() && !self.is_wrong(name) {
            self.wrong(name, message);
        }
        text
    }

    /// Records the fields that are left over, and refuses the request if a field was wrong.
    pub(crate) fn finish(mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let name = |name| if self.wrapper.is_empty() { name } else { format!("{}.{name}", self.wrapper) };
        let unknown = self.rest.into_iter().map(|(field, _)| name(field)).chain(self.beside);
        for name in unknown {
            if call.state.knobs.unknown_fields == UnknownInput::Unprocessable {
                self.errors.entry(name.clone()).or_default().push("is not a documented field".to_owned());
            }
            call.unknown_fields.push(name);
        }
        ApiError::unless_empty(self.errors)
    }
}
