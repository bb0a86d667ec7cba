"""The Web API's methods: what each does to the workspace, and what it refuses.

https://docs.slack.dev/reference/methods, each method's page with its errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.fakes.slack.blockkit import message_problems, view_problems
from tests.fakes.slack.state import APP, BOT, BOT_USER, TEAM, Channel, Message, Refused, User, View

if TYPE_CHECKING:
    from tests.fakes.slack.workspace import Workspace

NAME = re.compile(r"[a-z0-9\u00c0-\uffff_-]{1,80}")
Given = Mapping[str, Any]


def auth_test(ws: Workspace, given: Given) -> dict[str, Any]:
    return {
        "url": "https://company.slack.com/",
        "team": "Company",
        "team_id": TEAM,
        "user": "incident-bot",
        "user_id": BOT_USER,
        "bot_id": BOT,
    }


def chat_post(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    _member(ws, channel)
    message = ws.add_message(
        channel,
        BOT_USER,
        str(given.get("text") or ""),
        blocks=_blocks(ws, given),
        thread=_thread(channel, given),
        metadata=_metadata(given),
        broadcast=_true(given.get("reply_broadcast")),
    )
    return {"channel": channel.id, "ts": message.ts, "message": message.shown()}


def chat_ephemeral(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    _member(ws, channel)
    user = _needed(given, "user")
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    blocks = _blocks(ws, given)
    ws.whispers.append({"channel": channel.id, "user": user, "text": given.get("text"), "blocks": blocks})
    return {"message_ts": ws.next_ts()}


def chat_update(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    message = _message(channel, given)
    if message.user != BOT_USER:
        raise Refused("cant_update_message")
    blocks = _blocks(ws, given)
    message.text = str(given.get("text") or "")
    message.blocks = blocks
    if "metadata" in given:
        message.metadata = _metadata(given)
    message.edits += 1
    return {"channel": channel.id, "ts": message.ts, "text": message.text}


def chat_delete(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    message = _message(channel, given)
    if message.user != BOT_USER:
        raise Refused("cant_delete_message")
    message.deleted = True
    return {"channel": channel.id, "ts": message.ts}


def chat_permalink(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _channel(ws, given)
    wanted = str(given.get("message_ts", ""))
    if wanted not in channel.messages:
        raise Refused("message_not_found")
    return {
        "channel": channel.id,
        "permalink": f"https://company.slack.com/archives/{channel.id}/p{wanted.replace('.', '')}",
    }


def create(ws: Workspace, given: Given) -> dict[str, Any]:
    name = _needed(given, "name", error="invalid_name_required")
    if len(name) > 80:
        raise Refused("invalid_name_maxlength")
    if not NAME.fullmatch(name) or name != name.lower():
        raise Refused("invalid_name_specials")
    private = _true(given.get("is_private"))
    ws.needs_scope("groups:write" if private else "channels:manage")
    if any(channel.name == name for channel in ws.channels.values()):
        raise Refused("name_taken")
    channel = ws.add_channel(name, private=private, members={BOT_USER})
    channel.creator = BOT_USER
    ws.channels_made += 1
    return {"channel": channel.shown()}


def rename(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    name = _needed(given, "name")
    if not NAME.fullmatch(name) or name != name.lower():
        raise Refused("invalid_name_specials")
    if any(other.name == name for other in ws.channels.values() if other is not channel):
        raise Refused("name_taken")
    channel.name = name
    return {"channel": channel.shown()}


def invite(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    ws.needs_scope("groups:write" if channel.private else "channels:manage")
    _member(ws, channel)
    users = [user for user in str(given.get("users", "")).split(",") if user]
    if not users:
        raise Refused("no_user")
    if len(users) > 100:
        raise Refused("too_many_users")
    errors = []
    for user in users:
        if user == BOT_USER:
            errors.append({"user": user, "ok": False, "error": "cant_invite_self"})
        elif user not in ws.users or ws.users[user].deleted:
            errors.append({"user": user, "ok": False, "error": "user_not_found"})
        elif user in channel.members:
            errors.append({"user": user, "ok": False, "error": "already_in_channel"})
    force = _true(given.get("force"))
    wrong = {str(error["user"]) for error in errors}
    if errors and not force:
        raise Refused(str(errors[0]["error"]), errors=errors)
    for user in users:
        if user not in wrong:
            channel.members.add(user)
            channel.ever.append(user)
            ws.joined(channel, user)
    if errors and len(wrong) == len(set(users)):
        raise Refused(str(errors[0]["error"]), errors=errors)
    return {"channel": channel.shown()}


def join(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    if channel.private or channel.direct:
        raise Refused("method_not_supported_for_channel_type")
    channel.members.add(BOT_USER)
    return {"channel": channel.shown()}


def set_topic(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    _member(ws, channel)
    topic = str(given.get("topic", ""))
    if len(topic) > 250:
        raise Refused("too_long")
    channel.topic = topic
    return {"channel": channel.shown()}


def set_purpose(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    _member(ws, channel)
    purpose = str(given.get("purpose", ""))
    if len(purpose) > 250:
        raise Refused("too_long")
    channel.purpose = purpose
    return {"purpose": purpose}


def archive(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _channel(ws, given)
    ws.needs_scope("groups:write" if channel.private else "channels:manage")
    if channel.archived:
        raise Refused("already_archived")
    _member(ws, channel)
    channel.archived = True
    return {}


def unarchive(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _channel(ws, given)
    if not channel.archived:
        raise Refused("not_archived")
    # A bot may not do it with its own token: https://docs.slack.dev/reference/methods/conversations.unarchive
    if BOT_USER not in channel.members or ws.bots_cannot_unarchive:
        raise Refused("not_in_channel")
    channel.archived = False
    return {}


def info(ws: Workspace, given: Given) -> dict[str, Any]:
    return {"channel": _channel(ws, given).shown()}


def listed(ws: Workspace, given: Given) -> dict[str, Any]:
    types = str(given.get("types") or "public_channel").split(",")
    found = [
        channel
        for channel in ws.channels.values()
        if not channel.direct
        and ("private_channel" if channel.private else "public_channel") in types
        and (not channel.private or BOT_USER in channel.members)
        and not (channel.archived and _true(given.get("exclude_archived")))
    ]
    page, cursor = _page([channel.shown() for channel in found], given, 100)
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def members(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _channel(ws, given)
    page, cursor = _page(sorted(channel.members), given, 100)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def history(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _channel(ws, given)
    ws.needs_scope(_history_scope(channel))
    _member(ws, channel)
    found = [one for one in channel.live() if one.thread in (None, one.ts)]
    return _told(found, given, newest_first=True)


def replies(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _channel(ws, given)
    ws.needs_scope(_history_scope(channel))
    _member(ws, channel)
    root = _needed(given, "ts")
    if root not in channel.messages:
        raise Refused("thread_not_found")
    found = [one for one in channel.live() if root in (one.ts, one.thread)]
    return _told(found, given, newest_first=False)


def open_direct(ws: Workspace, given: Given) -> dict[str, Any]:
    users = [user for user in str(given.get("users", "")).split(",") if user]
    if len(users) != 1:
        raise Refused("not_enough_users")
    return {"channel": {"id": ws.direct(_user(ws, users[0]).id).id}}


def bookmark_add(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given, key="channel_id")
    _member(ws, channel)
    if _needed(given, "type") != "link":
        raise Refused("invalid_bookmark_type")
    if not re.match(r"https?://[^\s/]+", str(given.get("link", ""))):
        raise Refused("invalid_link")
    if len(channel.bookmarks) >= 100:
        raise Refused("too_many_bookmarks")
    bookmark = {"id": f"Bk{next(ws.numbers)}", "title": _needed(given, "title"), "link": given["link"]}
    channel.bookmarks[bookmark["id"]] = bookmark
    return {"bookmark": bookmark}


def bookmark_edit(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given, key="channel_id")
    bookmark = channel.bookmarks.get(_needed(given, "bookmark_id"))
    if bookmark is None:
        raise Refused("not_found")
    bookmark |= {key: given[key] for key in ("title", "link") if key in given}
    return {"bookmark": bookmark}


def bookmark_list(ws: Workspace, given: Given) -> dict[str, Any]:
    return {"bookmarks": list(_channel(ws, given, key="channel_id").bookmarks.values())}


def bookmark_remove(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given, key="channel_id")
    if channel.bookmarks.pop(_needed(given, "bookmark_id"), None) is None:
        raise Refused("not_found")
    return {}


def pin(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    _member(ws, channel)
    message = _message(channel, given, key="timestamp")
    if message.ts in channel.pins:
        raise Refused("already_pinned")
    channel.pins.append(message.ts)
    return {}


def unpin(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _open_channel(ws, given)
    message = _message(channel, given, key="timestamp")
    if message.ts not in channel.pins:
        raise Refused("no_pin")
    channel.pins.remove(message.ts)
    return {}


def pins(ws: Workspace, given: Given) -> dict[str, Any]:
    channel = _channel(ws, given)
    return {"items": [{"type": "message", "message": channel.messages[ts].shown()} for ts in channel.pins]}


def react(ws: Workspace, given: Given) -> dict[str, Any]:
    message = _message(_open_channel(ws, given), given, key="timestamp")
    users = message.reactions.setdefault(_needed(given, "name"), set())
    if BOT_USER in users:
        raise Refused("already_reacted")
    users.add(BOT_USER)
    return {}


def unreact(ws: Workspace, given: Given) -> dict[str, Any]:
    message = _message(_open_channel(ws, given), given, key="timestamp")
    users = message.reactions.get(_needed(given, "name"), set())
    if BOT_USER not in users:
        raise Refused("no_reaction")
    users.remove(BOT_USER)
    return {}


def user_info(ws: Workspace, given: Given) -> dict[str, Any]:
    return {"user": _shown(_user(ws, _needed(given, "user")))}


def users_list(ws: Workspace, given: Given) -> dict[str, Any]:
    page, cursor = _page([_shown(user) for user in ws.users.values()], given, 100)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def by_email(ws: Workspace, given: Given) -> dict[str, Any]:
    wanted = _needed(given, "email").casefold()
    for user in ws.users.values():
        if user.email.casefold() == wanted and not user.deleted:
            return {"user": _shown(user)}
    raise Refused("users_not_found")


def groups(ws: Workspace, given: Given) -> dict[str, Any]:
    return {"usergroups": [{"id": key, "handle": name} for key, name in ws.groups.items()]}


def emoji(ws: Workspace, given: Given) -> dict[str, Any]:
    return {"emoji": dict(ws.emoji)}


def file_info(ws: Workspace, given: Given) -> dict[str, Any]:
    found = ws.files.get(_needed(given, "file"))
    if found is None:
        raise Refused("file_not_found")
    return {"file": found}


def upload_url(ws: Workspace, given: Given) -> dict[str, Any]:
    name, length = _needed(given, "filename"), _needed(given, "length")
    if not length.isdigit() or not int(length):
        raise Refused("invalid_arguments")
    if len(str(given.get("alt_txt") or "")) > 1000:
        raise Refused("alt_txt_too_large")
    number = f"F{next(ws.numbers):08d}"
    ws.files[number] = {"id": number, "name": name, "title": name, "user": BOT_USER, "shares": {}}
    ws.uploads[f"/upload/v1/{number}"] = (number, int(length))
    return {"upload_url": f"{ws.root}/upload/v1/{number}", "file_id": number}


def complete_upload(ws: Workspace, given: Given) -> dict[str, Any]:
    files = _json(given.get("files"))
    if not isinstance(files, list) or not files:
        raise Refused("invalid_arguments")
    channel = _open_channel(ws, given, key="channel_id")
    _member(ws, channel)
    thread = _thread(channel, given)
    found = [ws.files.get(str(one.get("id"))) for one in files]
    if any(one is None or f"/files/{one['id']}" not in ws.contents for one in found):
        raise Refused("file_not_found")
    shared = [one for one in found if one is not None]
    if any(one["shares"] for one in shared):
        ws.violations.append("a file was shared twice")
    text = str(given.get("initial_comment") or "")
    message = ws.add_message(channel, BOT_USER, text, files=shared, thread=thread)
    for one in shared:
        one["shares"] = {"private" if channel.private else "public": {channel.id: [{"ts": message.ts}]}}
    return {"files": [{"id": one["id"], "title": one["title"]} for one in shared]}


def delete_file(ws: Workspace, given: Given) -> dict[str, Any]:
    number = _needed(given, "file")
    found = ws.files.pop(number, None)
    if found is None:
        raise Refused("file_not_found")
    if found.get("user") != BOT_USER:
        raise Refused("cant_delete_file")
    for channel in ws.channels.values():
        for message in channel.messages.values():
            kept = [one for one in message.files if one.get("id") != number]
            if message.files and not kept:
                message.deleted = True
            message.files = kept
    return {}


def view_open(ws: Workspace, given: Given) -> dict[str, Any]:
    trigger = _trigger(ws, given)
    view = _view(ws, given)
    opened = ws.add_view(trigger.user, view)
    return {"view": _shown_view(opened)}


def view_push(ws: Workspace, given: Given) -> dict[str, Any]:
    trigger = _trigger(ws, given)
    view = _view(ws, given)
    stack = [one for one in ws.views.values() if one.user == trigger.user and not one.closed]
    if not stack:
        raise Refused("not_found")
    if len(stack) >= 3:
        raise Refused("push_limit_reached")
    return {"view": _shown_view(ws.add_view(trigger.user, view, root=stack[0].id))}


def view_update(ws: Workspace, given: Given) -> dict[str, Any]:
    wanted, external = given.get("view_id"), given.get("external_id")
    found = next(
        (
            one
            for one in ws.views.values()
            if one.id == wanted or (external and one.view.get("external_id") == external)
        ),
        None,
    )
    if found is None or found.closed:
        raise Refused("not_found")
    if given.get("hash") and given["hash"] != found.hash:
        raise Refused("hash_conflict")
    found.view = _view(ws, given)
    found.hash = f"{next(ws.numbers)}.hash"
    return {"view": _shown_view(found)}


def view_publish(ws: Workspace, given: Given) -> dict[str, Any]:
    user = _user(ws, _needed(given, "user_id"))
    view = _view(ws, given, kind="home")
    held = ws.homes.get(user.id)
    if given.get("hash") and held and given["hash"] != held.hash:
        raise Refused("hash_conflict")
    number = next(ws.numbers)
    ws.homes[user.id] = View(f"V{number}", user.id, view, f"{number}.hash", f"V{number}")
    return {"view": _shown_view(ws.homes[user.id])}


def connections(ws: Workspace, given: Given) -> dict[str, Any]:
    if ws.sockets is None:
        raise Refused("forbidden_team")
    return {"url": ws.sockets()}


METHODS = {
    "auth.test": auth_test,
    "apps.connections.open": connections,
    "bookmarks.add": bookmark_add,
    "bookmarks.edit": bookmark_edit,
    "bookmarks.list": bookmark_list,
    "bookmarks.remove": bookmark_remove,
    "chat.delete": chat_delete,
    "chat.getPermalink": chat_permalink,
    "chat.postEphemeral": chat_ephemeral,
    "chat.postMessage": chat_post,
    "chat.update": chat_update,
    "conversations.archive": archive,
    "conversations.create": create,
    "conversations.history": history,
    "conversations.info": info,
    "conversations.invite": invite,
    "conversations.join": join,
    "conversations.list": listed,
    "conversations.members": members,
    "conversations.open": open_direct,
    "conversations.rename": rename,
    "conversations.replies": replies,
    "conversations.setPurpose": set_purpose,
    "conversations.setTopic": set_topic,
    "conversations.unarchive": unarchive,
    "emoji.list": emoji,
    "files.completeUploadExternal": complete_upload,
    "files.delete": delete_file,
    "files.getUploadURLExternal": upload_url,
    "files.info": file_info,
    "pins.add": pin,
    "pins.list": pins,
    "pins.remove": unpin,
    "reactions.add": react,
    "reactions.remove": unreact,
    "usergroups.list": groups,
    "users.info": user_info,
    "users.list": users_list,
    "users.lookupByEmail": by_email,
    "views.open": view_open,
    "views.publish": view_publish,
    "views.push": view_push,
    "views.update": view_update,
}


def _channel(ws: Workspace, given: Given, *, key: str = "channel") -> Channel:
    wanted = _needed(given, key, error="channel_not_found")
    found = ws.channels.get(wanted)
    if found is None and key == "channel" and wanted in ws.users:
        return ws.direct(wanted)  # chat.postMessage takes a person's id
    if found is None or (found.private and BOT_USER not in found.members):
        raise Refused("channel_not_found")
    return found


def _open_channel(ws: Workspace, given: Given, *, key: str = "channel") -> Channel:
    channel = _channel(ws, given, key=key)
    if channel.archived:
        raise Refused("is_archived")
    return channel


def _member(ws: Workspace, channel: Channel) -> None:
    if not channel.direct and BOT_USER not in channel.members:
        raise Refused("not_in_channel")


def _message(channel: Channel, given: Given, *, key: str = "ts") -> Message:
    found = channel.messages.get(_needed(given, key))
    if found is None or found.deleted:
        raise Refused("message_not_found")
    return found


def _thread(channel: Channel, given: Given) -> str | None:
    wanted = given.get("thread_ts")
    if wanted is None:
        return None
    root = channel.messages.get(str(wanted))
    if root is None:
        raise Refused("thread_not_found")
    return root.thread or root.ts


def _user(ws: Workspace, wanted: str) -> User:
    user = ws.users.get(wanted)
    if user is None:
        raise Refused("user_not_found")
    return user


def _blocks(ws: Workspace, given: Given) -> list[dict[str, Any]]:
    blocks = _json(given.get("blocks"))
    text = given.get("text")
    problems = message_problems(text, blocks)
    if problems:
        ws.violations += [f"message: {problem}" for problem in problems]
        if "no_text" in problems:
            raise Refused("no_text")
        if any(problem.startswith("text has") for problem in problems):
            raise Refused("msg_too_long")
        raise Refused("invalid_blocks", response_metadata={"messages": problems})
    return list(blocks or ())


def _view(ws: Workspace, given: Given, *, kind: str = "modal") -> dict[str, Any]:
    view = _json(given.get("view"))
    problems = view_problems(view)
    if not problems and view["type"] != kind:
        problems = [f"view.type: {kind} is needed"]
    if problems:
        ws.violations += [f"view: {problem}" for problem in problems]
        raise Refused("invalid_arguments", response_metadata={"messages": problems})
    return dict(view)


def _metadata(given: Given) -> dict[str, Any] | None:
    metadata = _json(given.get("metadata"))
    if metadata is None:
        return None
    if set(metadata) != {"event_type", "event_payload"} or not isinstance(metadata["event_payload"], dict):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata)) > 8000:
        raise Refused("metadata_too_large")
    return dict(metadata)


def _trigger(ws: Workspace, given: Given) -> Any:
    trigger = ws.triggers.get(_needed(given, "trigger_id", error="invalid_trigger_id"))
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.used:
        ws.violations.append("a trigger was used twice")
        raise Refused("exchanged_trigger_id")
    if ws.clock() - trigger.made_at > 3:
        ws.violations.append("a trigger was used after three seconds")
        raise Refused("expired_trigger_id")
    trigger.used = True
    return trigger


def _told(found: list[Message], given: Given, *, newest_first: bool) -> dict[str, Any]:
    oldest, latest = str(given.get("oldest") or "0"), str(given.get("latest") or "9999999999.999999")
    inclusive = _true(given.get("inclusive"))
    chosen = [
        one
        for one in found
        if (float(oldest) <= float(one.ts) <= float(latest)) and (inclusive or one.ts not in (oldest, latest))
    ]
    chosen.sort(key=lambda one: float(one.ts), reverse=newest_first)
    # Metadata is told only to whom asks for it.
    whole = _true(given.get("include_all_metadata"))
    shown = [
        one.shown() if whole else {k: v for k, v in one.shown().items() if k != "metadata"} for one in chosen
    ]
    page, cursor = _page(shown, given, 100)
    return {"messages": page, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}


def _page(rows: list[Any], given: Given, default: int) -> tuple[list[Any], str]:
    limit = int(given.get("limit") or default)
    if not 1 <= limit <= 999:
        raise Refused("invalid_limit")
    try:
        start = int(str(given.get("cursor") or "0").removeprefix("c"))
    except ValueError:
        raise Refused("invalid_cursor") from None
    rest = rows[start:]
    return rest[:limit], f"c{start + limit}" if len(rest) > limit else ""


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "team_id": TEAM,
        "name": user.name.lower().replace(" ", "."),
        "real_name": user.name,
        "deleted": user.deleted,
        "is_bot": user.bot,
        "is_admin": user.admin,
        "tz": user.zone,
        "profile": {"real_name": user.name, "display_name": user.name, "email": user.email},
    }


def _shown_view(view: View) -> dict[str, Any]:
    return {**view.view, "id": view.id, "hash": view.hash, "root_view_id": view.root, "app_id": APP}


def _history_scope(channel: Channel) -> str:
    if channel.direct:
        return "im:history"
    return "groups:history" if channel.private else "channels:history"


def _needed(given: Given, key: str, *, error: str = "invalid_arguments") -> str:
    value = given.get(key)
    if value is None or value == "":
        raise Refused(error, response_metadata={"messages": [f"[ERROR] missing required field: {key}"]})
    return str(value)


def _json(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise Refused("invalid_json") from None
    return value


def _true(value: Any) -> bool:
    return value in (True, "true", "1", 1)
