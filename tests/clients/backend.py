"""The build of a Python package that is one file, so that pip needs nothing else to install it."""

import zipfile


def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "seed-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        wheel.write("seed.py")
        wheel.writestr("seed-1.0.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: seed\nVersion: 1.0.0\n")
        wheel.writestr("seed-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("seed-1.0.0.dist-info/RECORD", "")
    return name
