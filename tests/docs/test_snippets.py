"""What the documentation shows runs, against the local OSS instead of the real one.

Every block of code on every page is either run here or has a comment before it that says why not:

    <!-- save as: upload.c -->      it becomes that file; a later block of shell commands builds and runs it
    <!-- run by: tests/abi.rs -->   something else that CI runs does it; the file must exist
    <!-- not run: why -->           nothing can

`<!-- python is run by: FILE -->` anywhere on a page says the second one for all blocks of a language.
"""

from __future__ import annotations

import json
import re
import shutil
import sys

import pytest
from conftest import TARGET, Reader
from pages import CHECKOUT, Snippet, pages, snippets

C = ["-Iinclude", "-Ltarget/release", "-loss_upload", f"-Wl,-rpath,{TARGET}/release", "-Wall", "-Wextra", "-Werror"]
# What is shown, not done: output of programs, formats, and texts.
SHOWN = {"", "text", "diff", "py"}
ALL = [snippet for page in pages() for snippet in snippets(page)]


def to_run(language: str) -> list[Snippet]:
    return [one for one in ALL if one.language == language and not one.note.startswith(("run by:", "not run:"))]


def each(language: str) -> pytest.MarkDecorator:
    found = [one for one in to_run(language) if not one.note.startswith("save as:")]
    return pytest.mark.parametrize("snippet", found, ids=lambda one: one.place)


@each("c")
def test_c(snippet: Snippet, reader: Reader) -> None:
    compile_and_run(reader, ["cc", "-std=c99"], "snippet.c", snippet)


@each("cpp")
def test_cpp(snippet: Snippet, reader: Reader) -> None:
    compile_and_run(reader, ["c++", "-std=c++17"], "snippet.cpp", snippet)


def compile_and_run(reader: Reader, compiler: list[str], name: str, snippet: Snippet) -> None:
    reader.write(name, snippet.text)
    reader.run([*compiler, name, *C, "-o", "snippet"])
    reader.run(["./snippet"])
    assert reader.stored() == {"videos/a.mp4"}


@each("python")
def test_python(snippet: Snippet, reader: Reader) -> None:
    reader.run([sys.executable, "-c", reader.here(snippet.text)])
    assert reader.stored() == {"videos/a.mp4"}


@each("rust")
def test_rust(snippet: Snippet, reader: Reader) -> None:
    (reader.home / "src").mkdir()
    reader.write("src/main.rs", snippet.text)
    dependency = f'oss-upload = {{ path = "{CHECKOUT}" }}'
    package = '[package]\nname = "reader"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n[dependencies]\n'
    (reader.home / "Cargo.toml").write_text(package + dependency)
    # With the versions of the checkout, what is built there need not be built again.
    shutil.copy(CHECKOUT / "Cargo.lock", reader.home)
    (reader.home / "commands/cargo").unlink()
    reader.run(["cargo", "run", "--quiet"], CARGO_TARGET_DIR=str(TARGET))
    assert reader.stored() == {"videos/a.mp4"}


# What the fragments of a page may take for granted.
GO_PACKAGES = {"context": "context", "errors": "errors", "fmt": "fmt", "fs": "io/fs", "log": "log", "os": "os"}
GO_PROGRAM = """package main

import (
%(imports)s
	"github.com/oss-upload/liboss_upload/bindings/go/oss"
)

%(functions)s

func main() {
	ctx := context.Background()
	client, err := oss.NewClient(oss.ClientOptions{Endpoint: "oss-cn-hangzhou.aliyuncs.com"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, fragment := range []func(context.Context, *oss.Client, error) error{%(names)s} {
		if err := fragment(ctx, client, nil); err != nil {
			log.Fatal(err)
		}
	}
}
"""


@pytest.mark.parametrize("page", sorted({one.page for one in to_run("go") if not one.note}))
def test_go(page: str, reader: Reader) -> None:
    """The fragments of a page, in their order, as functions of one program."""
    fragments = [one.text for one in to_run("go") if one.page == page and not one.text.startswith("import ")]
    names = [f"fragment{number}" for number in range(len(fragments))]
    head = "func %s(ctx context.Context, client *oss.Client, err error) error {\n{\n%s\n}\nreturn nil\n}\n"
    functions = "".join(head % pair for pair in zip(names, fragments))
    used = {"context", "log", *re.findall(r"\b(\w+)\.", functions)}
    imports = "\n".join(f'\t"{path}"' for name, path in GO_PACKAGES.items() if name in used)
    program = GO_PROGRAM % {"imports": imports, "functions": functions, "names": ", ".join(names)}
    reader.write("main.go", program)
    module = "github.com/oss-upload/liboss_upload/bindings/go"
    reader.run(["go", "mod", "init", "example.com/reader"])
    reader.run(["go", "mod", "edit", f"-require={module}@v0.0.0", f"-replace={module}={CHECKOUT}/bindings/go"])
    reader.run(["go", "run", "."])
    assert reader.stored() == {"videos/a.mp4"}


PAGES_WITH_COMMANDS = sorted({one.page for one in (*to_run("sh"), *to_run("console"))})


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS)
def test_commands(page: str, reader: Reader) -> None:
    """All commands of a page, in one shell, with the files that the page says to save."""
    commands = []
    for snippet in snippets(CHECKOUT / page):
        if snippet.note.startswith("save as:"):
            saved = snippet.note.partition(":")[2].strip()
            if snippet.language == "text":  # an output, which no machine's names belong into
                (reader.home / saved).write_text(snippet.text, encoding="utf-8")
            else:
                reader.write(saved, snippet.text)
        elif snippet in to_run("sh"):
            commands.append(snippet.text)
        elif snippet in to_run("console"):
            lines = [line[2:] for line in snippet.text.splitlines() if line.startswith("$ ")]
            assert lines, f"{snippet.place}: no line begins with $"
            commands.append("\n".join(lines))
    # A reader's own environment for Python, into which the page may install.
    reader.run([sys.executable, "-m", "venv", "venv"])
    reader.environment["PATH"] = f"{reader.home}/venv/bin:{reader.environment['PATH']}"
    # The key is in the environment already; a page shows where it belongs.
    keys = "".join(f"{name}='{reader.environment[name]}'\n" for name in ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"))
    script = re.sub(r"(OSS_ACCESS_KEY_(ID|SECRET))=\.\.\.", r"\1", "\n".join(commands))
    assert "..." not in script, f"{page}: what stands for something else cannot be run"
    reader.run(["bash", "-euc", keys + reader.here(script)])


@pytest.mark.parametrize("snippet", to_run("json"), ids=lambda one: one.place)
def test_json(snippet: Snippet) -> None:
    json.loads(snippet.text)


def test_every_block_is_accounted_for() -> None:
    run = {"c", "cpp", "go", "python", "rust", "sh", "console", "json"}
    for snippet in ALL:
        kind, _, rest = snippet.note.partition(":")
        if kind == "run by":
            runner = CHECKOUT / rest.strip()
            assert runner.is_file(), f"{snippet.place}: {runner} is not there"
        elif kind in {"not run", "save as"}:
            assert rest.strip(), f"{snippet.place}: the comment says nothing"
        else:
            assert snippet.language in run | SHOWN, f"{snippet.place}: nobody runs {snippet.language}"


def test_there_is_something_to_run() -> None:
    for language in ("c", "cpp", "python", "rust", "sh", "json"):
        assert to_run(language), f"no {language} is shown anywhere"
    assert (TARGET / "release/liboss_upload.so").exists()
