//! The corpus of the fuzzer, replayed: what was found once is not found again.

#[path = "../../../../fuzz/src/targets.rs"]
mod targets;

use std::path::Path;

/// Every input of a target, by its file's name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = std::fs::read_dir(root.join(target)).expect("a directory of the target's name");
    let files = files.map(|file| {
        let path = file.expect("a file").path();
        let bytes = std::fs::read(&path).expect("a readable file");
        (path.display().to_string(), bytes)
    });
    files.collect()
}

#[test]
fn every_target_takes_its_corpus_whole_and_cut_off() {
    let mut count = 0;
    for (name, target) in targets::TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 8, "{name} has too few inputs to start from");
        for (file, input) in inputs {
            for end in [input.len(), input.len() / 2, input.len().saturating_sub(1)] {
                let input = input[..end].to_vec();
                let done = std::panic::catch_unwind(move || target(&input));
                assert!(done.is_ok(), "{name}: {file} up to byte {end}");
                count += 1;
            }
        }
    }
    eprintln!("fuzz: {count} inputs of {} targets", targets::TARGETS.len());
}
