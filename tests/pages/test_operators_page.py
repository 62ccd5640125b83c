"""The operators' page in a browser: what it shows is what the gateway knows."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.async_api import expect

from tests.doubles.fault_pod import fault_pods
from tests.system.callers import callers, job
from tests.system.knative_gateway import SERVICE, in_cluster
from tests.system.running_gateway import configuration, processes, running_gateway, stand_ins, write_config

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.anyio

TOKEN = "t" * 32
PHONE = 390

#: Long, and not markup.
MODEL = "<b>realisticVisionV60B1_hyperdetailed_photorealistic_pruned_v51HyperVAE-fp16"
NEEDS_A_MODEL = {"prompt": "dog", "override_settings": {"sd_model_checkpoint": f"{MODEL}.safetensors"}}


def figure(page: Page, name: str) -> Any:
    """A number of the strip."""
    return page.locator(f"#figures [data-figure={name}] dd")


async def test_under_load_it_finds_the_lanes_and_the_numbers_of_the_snapshot(tmp_path: Path, page: Page) -> None:
    async with fault_pods(2, work=60) as pods:
        config = configuration({"backends": {"static": [pod.url for pod in pods]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 5) as clients:
            await gateway.ready(2)
            await page.goto(gateway.ops)
            for number, client in enumerate(clients):
                await client.send(job(number))
            view = await gateway.until(lambda view: view["line"]["waiting"] == 3)

            await expect(figure(page, "waiting")).to_have_text("3")
            await expect(figure(page, "in-flight")).to_have_text(str(view["in_flight"]))
            await expect(page.locator(".lane .name")).to_have_text([b["name"] for b in view["backends"]])
            await expect(page.locator(".lane .bar.working")).to_have_count(2)
            await expect(page.locator("#line tbody tr td:nth-child(2)")).to_have_text(
                [ticket["label"] for ticket in view["line"]["tickets"]]
            )
            await expect(page.locator("#headline")).to_contain_text("all 2 ready pods are at work")

            for pod in pods:
                pod.work = 0.05
                pod.finish()
            await gateway.until(lambda view: view["in_flight"] == 0 and not view["line"]["waiting"])
            await expect(page.locator(".lane .bar.served")).to_have_count(5)
            await expect(page.locator(".bar.collides")).to_have_count(0)
            await expect(page.locator("#line .empty")).to_be_visible()
            await expect(page.locator("#times small")).to_contain_text("last 5 served")

            config["pools"]["sd"]["backends"]["static"].pop()
            write_config(tmp_path, config)
            gateway.signal(signal.SIGHUP)
            await expect(page.locator(".lane .state")).to_have_text(["free", "gone"])
            await expect(page.locator(".lane .bar.served")).to_have_count(5)
            await page.reload()
            await expect(page.locator(".lane .state")).to_have_text(["free", "gone"])


async def test_from_zero_it_tells_of_pods_that_start_and_of_the_autoscaler(tmp_path: Path, page: Page) -> None:
    pool = {"profile": "a1111", "backends": stand_ins(tmp_path, boot=2), "autoscaling": {"max_scale": 2}}
    async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, 2) as clients:
        await page.goto(gateway.ops)
        await expect(page.locator("#headline")).to_have_text("Quiet: nobody waits, and no pod runs.")
        await expect(page.locator("#no-pods")).to_be_visible()
        body = json.dumps({"prompt": "dog"})
        for client in clients:
            await client.send(
                f"POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: sd\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
        await expect(page.locator("#headline")).to_contain_text("no pod is ready yet, 2 are starting")
        await expect(page.locator(".lane[data-state=starting]")).to_have_count(2)
        await expect(page.locator("#scaling")).to_contain_text("wants 2 pods")
        await expect(page.locator(".lane .bar.served")).to_have_count(2)
        await page.locator("#scale-as-table summary").click()
        desired = await page.locator("#scale-as-table tbody tr:first-child td:nth-child(5)").inner_text()
        assert desired == "2"


async def test_a_bar_tells_of_its_request_to_the_pointer_and_to_the_keyboard(tmp_path: Path, page: Page) -> None:
    async with fault_pods(1) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 2) as clients:
            await gateway.ready(1)
            for number, client in enumerate(clients):
                await client.send(job(number))
                assert (await client.answer()).status == 200
            first, second = (line["request_id"] for line in await gateway.access(2))
            await page.goto(gateway.ops)
            await expect(page.locator(".bar.served")).to_have_count(2)
            await page.locator(".lane .track").focus()
            await page.keyboard.press("ArrowRight")
            await expect(page.locator("#detail")).to_contain_text(first)
            await page.keyboard.press("ArrowRight")
            await expect(page.locator("#detail")).to_contain_text(second)
            await expect(page.locator("#detail")).to_contain_text("served, status 200")
            await page.keyboard.press("Escape")
            await expect(page.locator("#detail")).to_be_hidden()
            await page.locator(".bar.served").first.hover(force=True)
            await expect(page.locator("#detail")).to_be_visible()


async def test_who_is_pointed_at_says_why(tmp_path: Path, page: Page) -> None:
    async with fault_pods(1, work=60) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 2) as clients:
            await gateway.ready(1)
            for number, client in enumerate(clients):
                await client.send(job(number))
            view = await gateway.until(lambda view: view["line"]["waiting"] == 1)
            (name,) = (backend["name"] for backend in view["backends"])
            await page.goto(gateway.ops)
            await expect(page.locator(".lane .bar.working")).to_have_count(1)
            await page.locator(".lane .track").focus()
            await page.keyboard.press("ArrowLeft")
            why = page.locator("#detail dd").last
            await expect(why).to_contain_text(f"{name} is its new home")

            pod.work = 0.05
            pod.finish()
            assert [(await client.answer()).status for client in clients] == [200, 200]
            await expect(page.locator(".lane .bar.served")).to_have_count(2)
            await page.keyboard.press("ArrowRight")
            await expect(why).to_contain_text(f"{name} busy")
            await expect(why).to_contain_text(f"{name} became free")


async def test_what_knative_says_and_whether_its_autoscaler_hears(tmp_path: Path, page: Page) -> None:
    async with in_cluster(tmp_path) as one:
        await page.goto(one.gateway.ops)
        section = page.locator("#knative")
        await expect(section.locator("h2")).to_have_text(f"Knative Service {SERVICE}")
        await expect(section.locator(".link")).to_have_text("The autoscaler hears this gateway.")
        await expect(section.locator(".revisions tbody tr td").nth(1)).to_have_text("100 %")
        await section.locator("summary").click()
        view = (await one.gateway.until(lambda view: view["knative"]))["knative"]
        await expect(section.locator("details tbody")).to_contain_text("concurrency")
        assert view["link"]["up"]

        one.cluster.api.faults.refuse("watch", "revisions", message="may not")
        one.cluster.api.faults.break_watches()
        await expect(page.locator("#stale")).to_contain_text("cannot watch revisions")
        await one.cluster.autoscaler.stop()
        await expect(section.locator(".link")).to_contain_text("has not heard this gateway")


async def test_what_is_loaded_and_who_waits_for_it_though_a_pod_is_free(tmp_path: Path, browser: Browser) -> None:
    pool = {
        "profile": "a1111",
        "backends": stand_ins(tmp_path, work=60),
        "autoscaling": {"min_scale": 2, "max_scale": 2},
        "affinity": {"model_switch_cost": 60},
    }
    async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, 2) as clients:
        await gateway.until(lambda view: [backend["model"] for backend in view["backends"]] == ["stand-in"] * 2)
        for number, client in enumerate(clients):
            await client.send(job(number, body=json.dumps(NEEDS_A_MODEL).encode()))
        view = await gateway.until(lambda view: view["in_flight"] == 1 and view["line"]["waiting"] == 1)
        page = await browser.new_page(viewport={"width": PHONE, "height": 800})
        await page.goto(gateway.ops)

        model = page.locator(".lane .model")
        names = [backend["model"] for backend in view["backends"]]
        assert sorted(names) == sorted([MODEL, "stand-in"])
        await expect(model).to_have_text(names)
        at = names.index(MODEL)
        await expect(model.nth(at)).to_have_attribute("title", MODEL)
        start, end = await model.nth(at).locator("span").all()
        assert await start.evaluate("(part) => part.scrollWidth > part.clientWidth")  # not all of it is seen
        assert await end.evaluate("(part) => part.scrollWidth <= part.clientWidth")
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE

        await expect(page.locator("#headline")).to_contain_text("for pods that have their models, though 1 pod is free")
        await expect(page.locator("#pods-title small")).to_have_text("2 models loaded, switched once")
        await expect(page.locator("#line td").last).to_have_text(f"any pod, needs {MODEL}")
        await page.locator("#pods-as-table summary").click()
        await expect(page.locator("#pods-as-table th").nth(2)).to_have_text("Model")
        await expect(page.locator("#pods-as-table td:nth-child(3)")).to_have_text(names)
        await page.close()


async def test_what_no_pod_has_said_yet_is_told_once_and_else_of_each(tmp_path: Path, page: Page) -> None:
    """ComfyUI is not asked what it has loaded: a prompt tells."""
    command = ("{python}", "-m", "gateway.demo.comfyui", "--port", "{port}", "--boot", "0", "--work", "0")
    scale = {"min_scale": 2, "max_scale": 2}
    pool = {"profile": "comfyui", "backends": processes(tmp_path, *command), "autoscaling": scale}
    async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, 1) as (client,):
        await gateway.ready(2)
        await page.goto(gateway.ops)
        await expect(page.locator("#pods-title small")).to_have_text("no model known")
        await expect(page.locator(".lane[data-state=ready]")).to_have_count(2)
        assert await page.locator(".lane .model:visible").count() == 0

        body = json.dumps({"prompt": {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x"}}}})
        head = f"POST /prompt HTTP/1.1\r\nHost: sd\r\nContent-Length: {len(body)}\r\n\r\n"
        await client.send(f"{head}{body}".encode())
        view = await gateway.until(lambda view: any(backend["model"] for backend in view["backends"]))
        loaded = [backend["model"] or "model not known" for backend in view["backends"]]
        assert sorted(loaded) == ["model not known", "x"]
        await expect(page.locator(".lane .model")).to_have_text(loaded)
        await expect(page.locator("#pods-title small")).to_have_text("1 model loaded")


async def test_where_models_do_not_matter_there_is_nothing_of_them(tmp_path: Path, page: Page) -> None:
    config = configuration({"backends": {"static": ["http://127.0.0.1:9"]}})
    async with running_gateway(tmp_path, config) as gateway:
        await page.goto(gateway.ops)
        await expect(page.locator(".lane")).to_have_count(1)
        await expect(page.locator(".lane .model")).to_be_hidden()
        await expect(page.locator("#pods-title")).to_have_text("Pods")
        await page.locator("#pods-as-table summary").click()
        await expect(page.locator("#pods-as-table tbody tr")).to_have_count(1)
        await expect(page.locator("#pods-as-table th")).to_have_count(7)


async def test_without_knative_there_is_nothing_of_it(tmp_path: Path, page: Page) -> None:
    config = configuration({"backends": {"static": ["http://127.0.0.1:9"]}})
    async with running_gateway(tmp_path, config) as gateway:
        await page.goto(gateway.ops)
        await expect(page.locator("#connection")).to_have_text("Live")
        await expect(page.locator("#knative")).to_be_hidden()
        await expect(page.locator("#stale")).to_be_hidden()


async def test_it_says_that_it_lost_the_gateway_and_finds_it_again(tmp_path: Path, page: Page) -> None:
    config = configuration({"backends": {"static": ["http://127.0.0.1:9"]}})
    async with running_gateway(tmp_path, config) as gateway:
        await page.goto(gateway.ops)
        await expect(page.locator("#connection")).to_have_text("Live")
        port = gateway.operators[1]
        gateway.signal(signal.SIGTERM)
        await expect(page.locator("#connection")).to_contain_text("Not connected")
        assert await gateway.ended() == 0
    config["ops"] = {**config["ops"], "port": port}
    config["pools"]["sd"]["backends"]["static"] = ["http://127.0.0.1:10"]
    async with running_gateway(tmp_path, config):
        await expect(page.locator("#connection")).to_have_text("Live")
        await expect(page.locator(".lane[data-state=gone] .name")).to_have_text("127.0.0.1:9")
        await expect(page.locator(".lane[data-state=starting] .name")).to_have_text("127.0.0.1:10")


async def test_an_open_page_holds_up_no_stop(tmp_path: Path, page: Page) -> None:
    """Its stream ends before the port is waited for."""
    config = configuration({"backends": {"static": ["http://127.0.0.1:9"]}})
    async with running_gateway(tmp_path, config) as gateway:
        await page.goto(gateway.ops)
        await expect(page.locator("#connection")).to_have_text("Live")
        gateway.signal(signal.SIGTERM)
        assert await gateway.ended() == 0
        assert gateway.events("stopped")[0]["in_good_order"]


async def test_orders_are_given_with_a_token_and_only_then(tmp_path: Path, page: Page) -> None:
    (tmp_path / "token").write_text(TOKEN)
    async with fault_pods(1, work=60) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}})
        config["ops"] = {**config["ops"], "token_file": "token"}
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 2) as clients:
            await gateway.ready(1)
            for number, client in enumerate(clients):
                await client.send(job(number))
            await gateway.until(lambda view: view["line"]["waiting"] == 1)
            await page.goto(gateway.ops)
            await expect(page.locator(".orders button")).to_have_count(0)
            await page.get_by_role("button", name="Give orders").click()
            await page.get_by_label("Token").fill("not the token")
            await page.get_by_role("button", name="Continue").click()
            await expect(page.get_by_role("alert")).to_have_text("This token is not accepted.")
            await page.get_by_label("Token").fill(TOKEN)
            await page.get_by_role("button", name="Continue").click()

            await page.get_by_role("button", name=re.compile("^Expel")).click()
            await gateway.until(lambda view: view["line"]["waiting"] == 0)
            await expect(page.locator("#failures tbody")).to_contain_text("expelled")
            await page.get_by_role("button", name=re.compile("^Drain")).click()
            await expect(page.locator(".lane .state")).to_contain_text("drained by an operator")
            await page.get_by_role("button", name=re.compile("^Undrain")).click()
            await expect(page.locator(".lane .state")).to_contain_text("working")

            answer = await clients[1].answer()
            assert (answer.status, json.loads(answer.body)["reason"]) == (503, "expelled")
            assert [event["event"] for event in gateway.events() if "backend_" in event["event"]][-2:] == [
                *("backend_drained", "backend_undrained")
            ]
            assert TOKEN not in gateway.logs()
            stored = await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
            assert stored == [0, 0, ""]
            pod.finish()


async def test_without_a_token_in_the_configuration_no_orders_are_offered(tmp_path: Path, page: Page) -> None:
    config = configuration({"backends": {"static": ["http://127.0.0.1:9"]}})
    async with running_gateway(tmp_path, config) as gateway:
        await page.goto(gateway.ops)
        await expect(page.locator("#connection")).to_have_text("Live")
        await expect(page.get_by_role("button", name="Give orders")).to_have_count(0)


async def test_it_fits_a_phone_and_has_a_dark_face(tmp_path: Path, browser: Browser) -> None:
    async with fault_pods(1, work=60) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 3) as clients:
            await gateway.ready(1)
            for number, client in enumerate(clients):
                await client.send(job(number))
            grounds = set[str]()
            schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
            for scheme in schemes:
                page = await browser.new_page(viewport={"width": PHONE, "height": 800}, color_scheme=scheme)
                await page.goto(gateway.ops)
                await expect(page.locator("#line tbody tr")).to_have_count(2)
                assert await page.evaluate("document.documentElement.scrollWidth") == PHONE
                grounds.add(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
                await page.close()
            assert len(grounds) == 2


async def test_an_error_of_a_pods_own_is_an_error_of_the_page(tmp_path: Path, page: Page) -> None:
    async with fault_pods(1) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 1) as (client,):
            await gateway.ready(1)
            await page.goto(gateway.ops)
            await client.send(job("poisoned", behave="fails"))
            assert (await client.answer()).status == 500

            await expect(page.locator(".lane .bar.error")).to_have_count(1)
            await expect(page.locator("#failures tbody tr td")).to_have_text(
                [re.compile("s$"), "500", re.compile(r"^pod answered an error \(.*POST")]
            )
            await expect(figure(page, "served")).to_have_text("0")


async def test_starts_that_die_are_told_of_though_nobody_waits(tmp_path: Path, page: Page) -> None:
    script = "echo 'RuntimeError: no CUDA device'; echo bye; exit 3"
    pool = {"backends": processes(tmp_path, "sh", "-c", script, "{port}"), "autoscaling": {"max_scale": 1}}
    async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, 1) as (client,):
        await page.goto(gateway.ops)
        await client.send(job("only"))
        assert (await client.answer()).json()["reason"] == "starts_fail"
        await gateway.until(lambda view: view["line"]["waiting"] == 0)

        headline = page.locator("#headline.warn")
        await expect(headline).to_contain_text(
            "No pod is ready: the last 3 starts failed (exit code 3: RuntimeError: no"
        )
        await expect(headline).to_contain_text("the next attempt is made when a request comes")
        await expect(page.locator("#outages")).to_be_hidden()


async def test_pods_that_take_nobody_are_told_of_though_nobody_waits(tmp_path: Path, page: Page) -> None:
    async with fault_pods(2) as pods:
        pool = {"profile": "a1111", "backends": {"static": [pod.url for pod in pods]}, "readiness": {"period": 0.2}}
        async with running_gateway(tmp_path, configuration(pool)) as gateway:
            await gateway.ready(2)
            await page.goto(gateway.ops)
            await expect(page.locator("#headline")).to_contain_text("2 pods ready")
            for pod in pods:
                await pod.close()

            found = "connect: connection refused, nobody listens on its port"
            why = f"not ready: {found}"
            said = re.compile(rf": not ready for [0-9]+ s: {found}$")
            await expect(page.locator("#outages li")).to_have_text([said] * 2)
            await expect(page.locator("#headline.warn")).to_have_text("No pod is ready.")
            await expect(page.locator(".lane .state")).to_have_text([why] * 2)


async def test_pods_whose_answers_fail_are_told_of(tmp_path: Path, page: Page) -> None:
    async with fault_pods(2) as pods:
        config = configuration({"backends": {"static": [pod.url for pod in pods]}, "health": {"rest": 100}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 1) as (client,):
            await gateway.ready(2)
            await page.goto(gateway.ops)
            for number in range(10):
                await client.send(job(f"poisoned-{number}", behave="fails"))
                assert (await client.answer()).status == 500

            await expect(page.locator("#outages li")).to_have_text(
                [
                    re.compile(
                        r": ejected: 5 turns in a row failed, the last one: it answered 500; it gets a request on"
                    ),
                    re.compile(r": its answers fail: 5 turns in a row failed, the last one: it answered 500$"),
                ]
            )
            states: list[str | re.Pattern[str]] = [
                re.compile("^ejected, tried again in [0-9]+ s$"),
                "free, its answers fail",
            ]
            await expect(page.locator(".lane .state")).to_have_text(states)
            await expect(page.locator('.lane[data-state="ejected"]')).to_have_count(1)
