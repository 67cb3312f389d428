"""What a message says beside the figures: in both languages, and no more than there is."""

from services.notify.alerts.findings import Findings, Place
from services.notify.wording.message import compose
from tests.unit.test_message import OFFICE, event

FOUND = Findings(
    chance_every=1200,
    items=(Place(name="civil_servants", unsatisfied=45.0, n=60, otherwise=12.5),),
    hours=(Place(name="09", unsatisfied=50.0, n=30, otherwise=8.0),),
    voices=("chờ\nrất lâu <b>!</b>",),
)
URL = "https://ln.example"


def test_it_says_how_sure_where_and_what_citizens_wrote() -> None:
    message = compose(event(baseline=90.0), OFFICE, URL, FOUND)
    vi, _, en = message.text.partition("\n--\n")
    for part in (
        "ngẫu nhiên chỉ gây ra một báo động như thế này khoảng 1200 ngày một lần",
        "- Công chức giải quyết công việc: 45,0 % không hài lòng trong 60 lượt (trước đó 12,5 %)",
        "- 09:00–09:59: 50,0 % không hài lòng trong 30 lượt (các giờ khác 8,0 %)",
        "- “chờ rất lâu <b>!</b>”",
        "Việc cần làm",
    ):
        assert part in vi, part
    for part in (
        "chance would raise an alert like this about once in 1200 days",
        "- The civil servants who handled it: 45.0% not satisfied of 60 answers (before: 12.5%)",
        "- 09:00–09:59: 50.0% not satisfied of 30 answers (other hours: 8.0%)",
        "Citizens wrote",
        "What to do",
    ):
        assert part in en, part
    for part in ("45,0 %</strong>", "50.0%</strong>", "&lt;b&gt;!&lt;/b&gt;"):
        assert part in message.html, part
    assert "<b>!" not in message.html


def test_where_nothing_stands_out_nothing_is_said() -> None:
    message = compose(event(baseline=90.0), OFFICE, URL, Findings())
    for words in ("nổi bật", "stand out", "Người dân viết", "Citizens wrote", "ngẫu nhiên chỉ"):
        assert words not in message.text
        assert words not in message.html


def test_a_quote_is_short_and_leads_nowhere() -> None:
    sly = ("xem https://evil.example/x và WWW.evil.example nhé", "dài " * 200)
    message = compose(event(), OFFICE, URL, Findings(voices=sly))
    assert "evil.example" not in message.text + message.html
    assert "“xem […] và […] nhé”" in message.text
    quotes = [line for line in message.text.splitlines() if line.startswith("- “dài")]
    assert [len(quote) < 260 and quote.endswith("…”") for quote in quotes] == [True, True]


def test_a_question_that_is_asked_no_more_has_its_code() -> None:
    gone = Findings(items=(Place(name="parking", unsatisfied=40.0, n=20, otherwise=1.0),))
    assert "- parking: 40,0 %" in compose(event(), OFFICE, URL, gone).text


def test_the_link_leads_to_the_page_of_the_alert() -> None:
    message = compose(event(), OFFICE, URL)
    assert message.link == f"{URL}/desk/alerts/drop/unit%3A000.00.19.H26/1"
    assert message.link in message.text
