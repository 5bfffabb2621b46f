use super::*;

#[test]
fn every_preset_is_found_by_its_name_and_whole() {
    for preset in &PRESETS {
        assert_eq!(Preset::named(preset.name).map(|found| found.title), Some(preset.title));
        assert_eq!(preset.columns().len(), preset.columns.len(), "{}", preset.name);
        assert!([Field::Id, Field::Email].iter().all(|field| preset.columns().contains_key(field)), "{}", preset.name);
    }
    assert!(Preset::named("").is_none());
}
