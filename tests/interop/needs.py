"""Programs and packages that the checks need, brought below target/interop or by Debian's package manager."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(ROOT, "target", "interop")


def sh(*command, check=True, timeout=300, **options):
    """Runs a program; returns its output, and fails with it when the program fails."""
    done = subprocess.run(command, stdin=options.pop("stdin", subprocess.DEVNULL) if "input" not in options else None,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, **options)
    if check and done.returncode != 0:
        raise AssertionError("%s ended with %d:\n%s" % (" ".join(command), done.returncode, done.stdout[-8000:]))
    return done.stdout


def debian(program, package):
    """Makes sure that a program of a Debian package is there."""
    if shutil.which(program) is None:
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        sh("apt-get", "update", "-qq", env=environment, timeout=600)
        sh("apt-get", "install", "-y", "-qq", "--no-install-recommends", package, env=environment, timeout=600)
    return shutil.which(program)


def promtool():
    """Returns promtool: the one installed, or the one inside Debian's package, which is not installed."""
    inside = os.path.join(WORK, "prometheus", "usr", "bin", "promtool")
    if shutil.which("promtool"):
        return shutil.which("promtool")
    if not os.path.exists(inside):
        os.makedirs(WORK, exist_ok=True)
        if "prometheus_" not in sh("apt-get", "download", "--print-uris", "prometheus", check=False, cwd=WORK):
            sh("apt-get", "update", "-qq", timeout=600)
        sh("apt-get", "-o", "APT::Sandbox::User=root", "download", "prometheus", cwd=WORK, timeout=600)
        package = next(name for name in os.listdir(WORK) if name.startswith("prometheus_"))
        sh("dpkg-deb", "-x", package, "prometheus", cwd=WORK)
    return inside


def node_with(folder, name):
    """Returns a copy of a folder, with the packages that its package.json names, and makes sure of node."""
    debian("node", "nodejs")
    debian("npm", "npm")
    copy = os.path.join(WORK, name)
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    sh("npm", "install", "--no-audit", "--no-fund", "--silent", cwd=copy, timeout=600)
    return copy


def reference_server():
    """Returns a released server to compare with."""
    if "REDPOLL_REFERENCE" in os.environ:
        return os.environ["REDPOLL_REFERENCE"]
    if shutil.which("redis-server"):
        return shutil.which("redis-server")
    link = os.path.join(WORK, "redis-server")
    if not os.path.exists(link):
        os.makedirs(WORK, exist_ok=True)
        os.symlink(debian("redis-check-rdb", "redis-tools"), link)
    return link


def python_with(*packages, name="python"):
    """Returns a Python of an environment that has these packages; environments have names."""
    folder = os.path.join(WORK, name)
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        sh(sys.executable, "-m", "venv", folder)
    sh(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages, timeout=600)
    return python
