use super::*;

#[test]
fn every_preset_is_found_by_its_name_and_whole() {
    for preset in &PRESETS {
        assert_eq!(Preset::named(preset.name).map(|found| found.title), Some(preset.title));
        assert_eq!(preset.columns().len(), preset.columns.len(), "{}", preset.name);
        assert!(preset.columns().contains_key(&Email) && preset.columns().contains_key(&Id), "{}", preset.name);
    }
    assert!(Preset::named("").is_none());
}
