//! What the committed document says of an operation, held against answers.

use std::collections::BTreeSet;

use jsonschema::Draft;
use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::committed;
use crate::service::{Answer, Service};

pub struct Contract {
    document: Value,
}

/// A described operation.
pub struct Operation<'a> {
    contract: &'a Contract,
    pub id: &'a str,
    pub method: Method,
    pub path: &'a str,
    described: &'a Value,
}

impl Contract {
    pub fn committed() -> Self {
        let document = serde_json::from_str(&committed()).unwrap();
        Self { document }
    }

    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        let paths = self.document["paths"].as_object().unwrap().iter();
        paths.flat_map(move |(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(move |(method, described)| Operation {
                contract: self,
                id: described["operationId"].as_str().unwrap(),
                method: method.to_uppercase().parse().unwrap(),
                path,
                described,
            })
        })
    }

    pub fn operation(&self, id: &str) -> Operation<'_> {
        let mut operations = self.operations();
        let found = operations.find(|operation| operation.id == id);
        found.unwrap_or_else(|| panic!("{id} is not described"))
    }

    /// What a `$ref` leads to, or the value itself.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(path) => self.document.pointer(&path[1..]).unwrap(),
            None => value,
        }
    }

    #[track_caller]
    pub fn assert_valid(&self, schema: &Value, value: &Value, what: &str) {
        let whole = json!({ "allOf": [schema], "components": self.document["components"] });
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&whole)
            .unwrap();
        if let Err(error) = validator.validate(value) {
            panic!("{what}: {error} at {}: {value}", error.instance_path());
        }
    }
}

impl Operation<'_> {
    /// The request, with the examples of the document for what isn't given.
    pub fn request(&self, service: &Service, values: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let (mut path, mut headers) = (self.path.to_owned(), vec![]);
        let mut query = form_urlencoded::Serializer::new(String::new());
        let none = vec![];
        for parameter in self.described["parameters"].as_array().unwrap_or(&none) {
            let name = parameter["name"].as_str().unwrap();
            let given = values.iter().find(|(given, _)| *given == name);
            let shown = parameter["example"].as_str().map(str::to_owned);
            let value = given.map(|(_, value)| (*value).to_owned()).or(shown);
            // What has no example is optional, and left out.
            let Some(value) = value else {
                assert_eq!(parameter["required"], false, "{}: {name}", self.id);
                continue;
            };
            let schema = &parameter["schema"];
            let what = format!("{}: {name}", self.id);
            self.contract.assert_valid(schema, &json!(value), &what);
            match parameter["in"].as_str().unwrap() {
                "path" => path = path.replace(&format!("{{{name}}}"), &value),
                "query" => {
                    query.append_pair(name, &value);
                }
                _ => headers.push((name.to_owned(), value)),
            }
        }
        path = format!("{path}?{}", query.finish());
        let mut request = service.request(self.method.clone(), &path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request
    }

    pub fn takes_a_body(&self) -> bool {
        self.described["requestBody"].is_object()
    }

    pub fn takes_a_token(&self) -> bool {
        self.described["security"] == json!([{ "bearer": [] }])
    }

    /// The example of its body.
    pub fn body(&self) -> Value {
        let content = &self.described["requestBody"]["content"]["application/json"];
        let example = content["example"].clone();
        assert!(example.is_object(), "{} has no example", self.id);
        self.contract
            .assert_valid(&content["schema"], &example, self.id);
        example
    }

    /// Checks that an answer is one that the document knows: status, type,
    /// headers, body, and, of a problem, its `type`.
    #[track_caller]
    pub fn assert_describes(&self, answer: &Answer) {
        let what = format!("{} answers {answer:?}", self.id);
        let response = &self.described["responses"][answer.status.as_str()];
        assert!(response.is_object(), "{what}");
        for (name, _) in response["headers"].as_object().into_iter().flatten() {
            // One status may come from several causes, and not all say when to
            // come back.
            let maybe = name == "Retry-After";
            assert!(maybe || answer.headers.contains_key(name), "{what}: {name}");
        }
        let content = response["content"].as_object();
        let Some((kind, content)) = content.and_then(|content| content.iter().next()) else {
            assert_eq!(answer.body, "", "{what}");
            return;
        };
        let declared = answer.header("content-type").split(';').next().unwrap();
        assert_eq!(declared, kind, "{what}");
        self.contract
            .assert_valid(&content["schema"], &answer.body, &what);
        if kind == "application/problem+json" {
            let examples = content["examples"].as_object().unwrap().values();
            let mut examples = examples.map(|example| self.contract.resolved(example));
            assert!(
                examples.any(|example| example["value"]["type"] == answer.body["type"]),
                "{what}"
            );
            let comes_back = answer.headers.contains_key("retry-after");
            assert!(
                !comes_back || response["headers"]["Retry-After"].is_object(),
                "{what}"
            );
        }
    }

    /// Checks that an answer has the members that the example of it has.
    #[track_caller]
    pub fn assert_shows(&self, answer: &Answer) {
        let response = &self.described["responses"][answer.status.as_str()];
        for content in response["content"].as_object().into_iter().flatten() {
            let (schema, example) = (&content.1["schema"], &content.1["example"]);
            self.contract.assert_valid(schema, example, self.id);
            assert_eq!(members(example), members(&answer.body), "{}", self.id);
        }
    }
}

/// The names of a value's members, and of those of its lists' first items.
fn members(value: &Value) -> BTreeSet<String> {
    let of_object = value.as_object().into_iter().flatten();
    let mut names = BTreeSet::new();
    for (name, value) in of_object {
        names.insert(name.clone());
        let first = value.as_array().and_then(|items| items.first());
        let inner = members(first.unwrap_or(value)).into_iter();
        names.extend(inner.map(|inner| format!("{name}.{inner}")));
    }
    names
}
