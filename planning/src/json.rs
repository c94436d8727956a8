//! JSON objects written field by field, where a part of them is JSON already; and names in JSON pointers.

use serde::Serialize;

/// A name as a part of a JSON pointer (RFC 6901).
pub fn pointer_part(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Writes one object.
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object at the end of `out`.
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        ObjectWriter { out, is_empty: true }
    }

    /// Writes a field. Its name must need no escape.
    ///
    /// # Panics
    /// If the value is no JSON, as a map whose keys are no texts.
    pub fn field(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        serde_json::to_writer(&mut *self.out, value).expect("a value of ours serialises");
    }

    /// Writes a field that is JSON already.
    pub fn raw(&mut self, name: &'static str, json: &[u8]) {
        self.name(name);
        self.out.extend_from_slice(json);
    }

    /// Writes a field that is an object itself.
    pub fn object(&mut self, name: &'static str) -> ObjectWriter<'_> {
        self.name(name);
        ObjectWriter::begin(self.out)
    }

    /// Ends the object.
    pub fn end(self) {
        self.out.push(b'}');
    }

    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_written_as_it_is_read() {
        let mut out = b"before".to_vec();
        let mut object = ObjectWriter::begin(&mut out);
        object.field("text", "a\"b");
        object.raw("raw", b"[1,2]");
        object.object("empty").end();
        let mut inner = object.object("inner");
        inner.field("number", &7);
        inner.field("none", &None::<u8>);
        inner.end();
        object.end();

        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, r#"before{"text":"a\"b","raw":[1,2],"empty":{},"inner":{"number":7,"none":null}}"#);
    }
}
