"""Has axlpaper send mails to aiosmtpd, a mail server that is not ours, and reads what arrived with Python's mail package."""

import email
import email.policy
import pathlib
import ssl
import subprocess
import sys
import tempfile

import simulator
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

USER, PASSWORD = "pager", "hunter2"


class Inbox:
    """Keeps what arrives, and how often somebody logged in."""

    def __init__(self):
        self.mails, self.logins = [], []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope)
        return "250 Taken"

    def authenticate(self, server, session, envelope, mechanism, data):
        right = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        self.logins.append(right)
        return AuthResult(success=right, handled=False)


class Server(Controller):
    """Listens on a port that the system chooses."""

    def _create_server(self):
        listening = super()._create_server()

        async def create():
            server = await listening
            self.port = server.sockets[0].getsockname()[1]
            return server

        return create()


def doctor(program, folder, place, ca, tls, port):
    """Runs `doctor --notify`; returns its output."""
    config = folder / "config.toml"
    config.write_text(f"""
[cluster.sim]
host = "{place['host']}:{place['port']}"
username = "{place['username']}"
ca_file = "{place['ca']}"
password_env = "CUCM"

[notify]
ca_file = "{ca}"
mail_server = "127.0.0.1:{port}"
mail_tls = "{tls}"
mail_from = "Wallpaper <axlpaper@example.com>"
mail_to = ["voice@example.com", "noc@example.com"]
mail_user = "{USER}"
mail_password_env = "MAIL"
""")
    environment = {"CUCM": place["password"], "MAIL": folder.joinpath("password").read_text(), "HOME": str(folder)}
    command = [program, "doctor", "--notify", "--config", str(config), "--state", str(folder / "journal.sqlite3")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    return ended.stdout + ended.stderr


def what_is_wrong_with(inbox):
    """Looks at what should be one mail with one login."""
    if inbox.logins != [True] or len(inbox.mails) != 1:
        return [f"{len(inbox.mails)} mails and the logins {inbox.logins}"]
    [envelope] = inbox.mails
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    expected = {
        "sender": (envelope.mail_from, "axlpaper@example.com"),
        "recipients": (envelope.rcpt_tos, ["voice@example.com", "noc@example.com"]),
        "From": (str(message["From"]), "Wallpaper <axlpaper@example.com>"),
        "Auto-Submitted": (str(message["Auto-Submitted"]), "auto-generated"),
        "defects": (list(message.defects), []),
        "test": ("test" in str(message["Subject"]), True),
        "text": (bool(message.get_content().strip()), True),
    }
    return [f"{what}: {found!r}" for what, (found, wanted) in expected.items() if found != wanted]


def main(program):
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    wrong = []
    with simulator.running(program, "--phones", "60") as place, tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ca = folder / "mail-ca.pem"
        authority.cert_pem.write_to_path(str(ca))
        password = folder / "password"

        def with_server(tls, typed, **how):
            inbox = Inbox()
            server = Server(inbox, hostname="127.0.0.1", port=0, authenticator=inbox.authenticate, **how)
            server.start()
            try:
                password.write_text(typed)
                return inbox, doctor(program, folder, place, ca, tls, server.port)
            finally:
                server.stop()

        starttls = {"tls_context": context, "auth_require_tls": True}
        implicit = {"ssl_context": context, "auth_require_tls": False}
        for tls, how in [("starttls", starttls), ("implicit", implicit)]:
            inbox, told = with_server(tls, PASSWORD, **how)
            wrong += [f"{tls}: {what}" for what in what_is_wrong_with(inbox)]
            if "took a test" not in told:
                wrong.append(f"{tls}: {told}")
        inbox, told = with_server("starttls", "wrong", **starttls)
        if inbox.logins != [False] or inbox.mails or "refused the login" not in told or "wrong" in told.split("refused")[0]:
            wrong.append(f"wrong password: logins {inbox.logins}, {len(inbox.mails)} mails, {told}")
        inbox, told = with_server("starttls", PASSWORD, auth_require_tls=False)
        if inbox.logins or inbox.mails or "took a test" in told:
            wrong.append(f"without STARTTLS: logins {inbox.logins}, {len(inbox.mails)} mails, {told}")
    for line in wrong:
        print(f"mail: {line}")
    print(f"mail: aiosmtpd took 2 mails and refused 1 login, {len(wrong)} not as it should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
