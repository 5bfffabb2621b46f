//! Who did what a record tells.

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The person, or somebody in their name.
    #[default]
    Person,
    /// Somebody who looks after accounts, by the command line.
    Operator,
    /// Doorward itself, by its rules.
    Service,
    /// Another version of Doorward knows this word.
    Other(String),
}

impl Actor {
    const KNOWN: [Self; 3] = [Self::Person, Self::Operator, Self::Service];

    /// The stored form.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match self {
            Self::Person => "person",
            Self::Operator => "operator",
            Self::Service => "service",
            Self::Other(text) => text.as_str(),
        }
    }

    /// Reads the stored form. Older records have none: there the detail tells of an operator.
    #[must_use]
    pub fn read(text: Option<&str>, detail: Option<&str>) -> Self {
        let operator = Self::Operator.as_str();
        let text = text.or_else(|| detail.filter(|detail| *detail == operator)).unwrap_or(Self::Person.as_str());
        Self::KNOWN.into_iter().find(|actor| actor.as_str() == text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_back_from_its_stored_form_and_older_records_have_one_too() {
        for actor in Actor::KNOWN.into_iter().chain([Actor::Other("administrator".to_owned())]) {
            assert_eq!(Actor::read(Some(actor.as_str()), None), actor);
        }
        assert_eq!(Actor::read(None, Some("operator")), Actor::Operator);
        assert_eq!(Actor::read(None, Some("reset")), Actor::Person);
        assert_eq!(Actor::read(None, None), Actor::Person);
        assert_eq!(Actor::read(Some("person"), Some("operator")), Actor::Person);
    }
}
