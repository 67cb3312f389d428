"""What the page of appeals says, in Vietnamese and English."""

from collections.abc import Mapping
from typing import Any, Final

from services.gateway.people.pages import Language

WORDS: Final[Mapping[Language, Mapping[str, Any]]] = {
    "vi": {
        "title": "Kiến nghị xem lại đánh giá",
        "counted": "Dù kết luận thế nào, lượt đánh giá vẫn được tính và được gắn cờ.",
        "none": "Không có kiến nghị nào.",
        "problem": "Chưa ghi nhận:",
        "state": {"filed": "chờ kết luận", "upheld": "được chấp nhận", "rejected": "bị bác"},
        "file": "Kiến nghị xem lại một đánh giá của cơ quan mình",
        "response": "Mã lượt đánh giá",
        "reason": "Lý do cho là nhầm",
        "levels": "Mức đánh giá (1 đến 5)",
        "comment": "Nội dung",
        "answered_at": "Ý kiến gửi lúc",
        "filed_at": "Kiến nghị lúc",
        "decision": "Kết luận",
        "verdict": {"upheld": "Chấp nhận", "rejected": "Bác"},
        "words": "Lý do kết luận",
        "send": "Gửi",
    },
    "en": {
        "title": "Appeals against ratings",
        "counted": "Whatever is decided, the rating stays counted, and is flagged.",
        "none": "There is no appeal.",
        "problem": "It was not taken:",
        "state": {"filed": "undecided", "upheld": "upheld", "rejected": "rejected"},
        "file": "Appeal a rating of your own office",
        "response": "Id of the rating",
        "reason": "Why it is held for mistaken",
        "levels": "Levels (1 to 5)",
        "comment": "Comment",
        "answered_at": "Opinion given",
        "filed_at": "Appealed",
        "decision": "Decision",
        "verdict": {"upheld": "Uphold", "rejected": "Reject"},
        "words": "Why",
        "send": "Send",
    },
}
