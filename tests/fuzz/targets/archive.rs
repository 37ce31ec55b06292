#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| oras_fuzz::run("archive", input));
