"""Does what walk.ts does, by the client that was made for Python."""

import json
import sys
from typing import cast

from client import AuthenticatedClient, Client
from client.api.account import me, register
from client.api.session import login
from client.models.login import Login
from client.models.message import Message
from client.models.registration import Registration
from client.models.user import User


def walk(client: Client, email: str, password: str) -> dict[str, dict[str, str]]:
    def do_register(email: str, password: str) -> dict[str, str]:
        answer = register.sync(client=client, body=Registration(email=email, password=password))
        return told(answer, None if answer is None or isinstance(answer, (Message, User)) else answer.code)

    def do_login(password: str) -> dict[str, str]:
        answer = login.sync(client=client, body=Login(email=email, password=password))
        return told(answer, None if answer is None or isinstance(answer, Message) else answer.code)

    def do_me() -> dict[str, str]:
        # Its type wants a token, for the header; the cookies suffice.
        answer = me.sync(client=cast(AuthenticatedClient, client))
        return told(answer, None if answer is None or isinstance(answer, User) else answer.code)

    def told(answer: object, code: str | None) -> dict[str, str]:
        assert answer is not None, "not what the contract declares"
        if code is not None:
            return {"said": code}
        return {"said": "ok", "email": answer.email} if isinstance(answer, User) else {"said": "ok"}

    seen = {"register": do_register(email, password), "weak": do_register("weak@example.com", "short"), "nobody": do_me()}
    seen |= {"login": do_login(password), "me": do_me(), "wrong": do_login("WrongPass123")}
    for _ in range(10):
        seen["throttled"] = do_login("WrongPass123")
        if seen["throttled"] != seen["wrong"]:
            break
    return seen


if __name__ == "__main__":
    url, *person = sys.argv[1:]
    with Client(base_url=url) as client:
        if person:
            print(json.dumps(walk(client, *person)))
        else:
            print("`None`" if me.sync(client=cast(AuthenticatedClient, client)) is None else "an answer")
