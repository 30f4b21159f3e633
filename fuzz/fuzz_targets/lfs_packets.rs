#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hubgate_fuzz::lfs_packets(data);
});
