"""What the comparisons share: running contenders in turns, reading what they print, and telling the figures."""
import datetime
import json
import os
import pathlib
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
# glibc hands large blocks back to the kernel after each layer; told to keep them, PyTorch spares itself the page faults.
KEEPS_PAGES = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}


class Failure(Exception):
    """What went wrong, for the one line the user sees."""


# MARK: Running the contenders

def run(command, environment=None):
    """Runs a command; gives its standard output, its wall seconds and its peak memory in MB."""
    command = [str(word) for word in command]
    print("$", shlex.join(command).replace("\n", " ")[:240], file=sys.stderr, flush=True)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        try:
            process = subprocess.Popen(command, stdout=output, stderr=errors, env=os.environ | (environment or {}))
        except OSError as error:
            raise Failure(f"could not start {command[0]}: {error.strerror}") from None
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            last_lines = b"\n".join(errors.read().splitlines()[-5:]).decode(errors="replace")
            raise Failure(f"exit status {process.returncode} of {shlex.join(command)}\n{last_lines}")
        return output.read().decode(), seconds, round(usage.ru_maxrss / 1024)


def last_object(text, command):
    """The JSON object a command printed: all it printed, or the last line that is one."""
    for candidate in (text, *reversed(text.splitlines())):
        try:
            value = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(value, dict):
            return value
    raise Failure(f"{command} printed no JSON object: {text.strip()[-200:]!r}")


def value_at(result, path, command):
    """The value under a path of keys such as metrics.test.auroc."""
    value = result
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            there = ", ".join(value) if isinstance(value, dict) else repr(value)
            raise Failure(f"{command} gave no {path}: no key {key} among {there}")
        value = value[key]
    return value


# MARK: Measuring and telling

def rounds(contenders, repetitions):
    """Lets the contenders take turns; gives every measurement of each, in order."""
    measured = {name: [] for name in contenders}
    for repetition in range(repetitions):
        for name, measure in contenders.items():
            print(f"-- {repetition + 1}/{repetitions}: {name}", file=sys.stderr, flush=True)
            measured[name].append(measure())
    return measured


def medians(measured):
    return {name: {key: statistics.median(m[key] for m in measurements) for key in measurements[0]}
            for name, measurements in measured.items()}


def table(title, middle, columns):
    """A Markdown table. Columns are (header, key, digits, better), better being max, min or None: then no ratio is shown."""
    pythons = [values for name, values in middle.items() if name.startswith("Python")]
    head, rule = [title], ["---"]
    for header, _, _, better in columns:
        head += [header, "× best Python"] if better else [header]
        rule += ["--:", "--:"] if better else ["--:"]
    lines = [head, rule]
    for name, values in middle.items():
        cells = [name]
        for _, key, digits, better in columns:
            cells.append(f"{values[key]:.{digits}f}")
            if better:
                best = better(python[key] for python in pythons)
                cells.append(f"{values[key] / best if better is max else best / values[key]:.2f}")
        lines.append(cells)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def machine():
    model = platform.processor()
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "system": platform.platform(), "commit": commit,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}


def multiplies_bfloat16():
    """Whether this processor has the instructions. Without them bfloat16 is emulated, some ten times slower than float32."""
    flags = pathlib.Path("/proc/cpuinfo")
    return flags.exists() and any(name in flags.read_text() for name in ("avx512_bf16", "amx_bf16"))


def contenders(*entries):
    """The contenders by name, those in bfloat16 only where that makes sense."""
    return {name: run for name, run in entries if "bfloat16" not in name or multiplies_bfloat16()}


def setup_python(*arguments):
    """The interpreter of an environment of setup-python."""
    done = subprocess.run([HERE / "setup-python", *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failure(f"setup-python ended with status {done.returncode}")
    return done.stdout.strip()


def finish(title, tables, measured, results):
    """Prints the tables under a line about the machine, and writes every single measurement beside them."""
    facts = machine()
    print(f"{facts['processor']}, {facts['cores']} cores, {facts['date'][:10]}, commit {facts['commit']}; {title}.\n")
    print("\n".join(tables))
    if not multiplies_bfloat16():
        print("\nThis processor has no bfloat16 instructions: memesense was measured in float32 only.")
    results.write_text(json.dumps({"command": shlex.join(sys.argv), "machine": facts, "measured": measured}, indent=2) + "\n")
    print(f"every single measurement is in {results}", file=sys.stderr)
