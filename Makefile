.PHONY: demo demo-picture test test-setup schedules races kill campaign torture fuzz bench bench-parts docs wheels package platforms lint clean

# A real upload to a local OSS, killed half way and resumed.
demo:
	@scripts/demo.sh

# What it prints, as the README shows it.
demo-picture:
	@python3 scripts/demo_picture.py

# Every test there is.
test:
	@scripts/test.sh

# make demo, and what make test installs, in a minimal Debian: as root, for some minutes.
test-setup:
	@scripts/test-setup.sh

# The kill harness in its long form: 500 kills.
kill:
	OSS_KILLS=500 cargo test --release --test kill -- --nocapture

# What threads do together, in many schedules each: make schedules RUNS=1000000
schedules:
	@scripts/schedules.sh $(or $(RUNS),20000)

# Data races between threads that use the C API, by the thread sanitizer.
races:
	@scripts/races.sh

# Random runs: make campaign SEED=1 RUNS=10000
campaign:
	OSS_SEED=$(SEED) OSS_RUNS=$(or $(RUNS),10000) cargo test --release --test campaign -- --nocapture

# Each system call that an upload makes fails once, with each usual error.
torture:
	OSS_TORTURE=all cargo test --release --test torture -- --nocapture

# Each fuzzer for some seconds, with the address sanitizer: make fuzz SECONDS=300
fuzz:
	@scripts/fuzz.sh $(or $(SECONDS),20)

# Client CPU time and memory, against peers that run beside it.
bench:
	@benches/run.sh

# What a part and a small file cost: instructions by place, and system calls.
bench-parts:
	@benches/parts.sh

# A reference for each language.
docs:
	@scripts/docs.sh

# What is published for Python: make wheels PLATFORM=linux-arm64, or all
wheels:
	@scripts/wheels.sh $(PLATFORM)

# What is published for C and C++, a tarball and Debian packages: make package PLATFORM=linux-arm64
package:
	@scripts/package.sh $(PLATFORM)

# Builds and tests for other platforms than this machine's: make platforms NAMES="linux-arm64 i686"
platforms:
	@scripts/platforms.sh $(NAMES)

# What CI checks besides the tests.
lint:
	rustup component add rustfmt clippy 2>/dev/null || true
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --lib --no-default-features -- -D warnings
	cargo clippy --lib --profile test -- -D warnings --cfg shuttle
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
	git diff --exit-code -- include/oss_upload.h bindings/go/oss/oss_upload.h

clean:
	cargo clean
