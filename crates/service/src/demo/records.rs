//! The records that the demo API begins with: live and sandbox can be told apart at a glance.

use claviger_model::Environment;
use serde_json::{Map, Value, json};

use super::Collection;

/// The first records of an environment.
pub(super) fn records(environment: Environment) -> Vec<(Collection, Map<String, Value>)> {
    let rows = match environment {
        Environment::Live => [
            (
                Collection::Leads,
                json!({"name": "Ines Okafor", "email": "ines@okafor.example"}),
            ),
            (
                Collection::Leads,
                json!({"name": "Tomas Lindqvist", "email": "tomas@lindqvist.example"}),
            ),
            (
                Collection::Properties,
                json!({"address": "12 Harbour Street", "price": 420_000}),
            ),
            (
                Collection::Properties,
                json!({"address": "3 Mill Lane", "price": 275_000}),
            ),
            (
                Collection::People,
                json!({"name": "Mara Jensen", "position": "Principal"}),
            ),
            (
                Collection::People,
                json!({"name": "Ola Adeyemi", "position": "Teacher"}),
            ),
            (
                Collection::Interviews,
                json!({"candidate": "Petra Novak", "stage": "second round"}),
            ),
        ],
        Environment::Test => [
            (
                Collection::Leads,
                json!({"name": "Sandbox Lead One", "email": "one@sandbox.example"}),
            ),
            (
                Collection::Leads,
                json!({"name": "Sandbox Lead Two", "email": "two@sandbox.example"}),
            ),
            (
                Collection::Properties,
                json!({"address": "1 Sandbox Road", "price": 1}),
            ),
            (
                Collection::Properties,
                json!({"address": "2 Sandbox Road", "price": 2}),
            ),
            (
                Collection::People,
                json!({"name": "Sandbox Person One", "position": "Tester"}),
            ),
            (
                Collection::People,
                json!({"name": "Sandbox Person Two", "position": "Tester"}),
            ),
            (
                Collection::Interviews,
                json!({"candidate": "Sandbox Candidate", "stage": "test"}),
            ),
        ],
    };
    let object = |(collection, row): (Collection, Value)| match row {
        Value::Object(record) => Some((collection, record)),
        _ => None,
    };
    rows.into_iter().filter_map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_collection_has_rows_and_only_the_sandbox_says_so() {
        for environment in Environment::ALL {
            let rows = records(environment);
            for collection in Collection::ALL {
                assert!(rows.iter().any(|(of, _)| *of == collection));
            }
            for (_, record) in rows {
                let says = Value::Object(record)
                    .to_string()
                    .to_lowercase()
                    .contains("sandbox");
                assert_eq!(says, environment == Environment::Test);
            }
        }
    }
}
