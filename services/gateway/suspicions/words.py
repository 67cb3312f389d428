"""What the page of suspicions says, in Vietnamese and English."""

from collections.abc import Mapping
from typing import Any, Final

from services.gateway.people.pages import Language

KIND_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "vi": {
        "burst": "Quá nhiều lượt trả lời trong ít phút",
        "rhythm": "Trả lời mức cao nhất đều đặn như máy",
        "shut_hours": "Trả lời mức cao nhất ngoài giờ làm việc",
        "one_device": "Một thiết bị khác hẳn các thiết bị còn lại",
        "straight_lining": "Phiếu chọn cùng một mức cho mọi câu hỏi",
    },
    "en": {
        "burst": "Too many answers within minutes",
        "rhythm": "Best answers as regular as a machine's",
        "shut_hours": "Best answers while the office is shut",
        "one_device": "One device is unlike the others",
        "straight_lining": "Questionnaires with one answer to everything",
    },
}

WORDS: Final[Mapping[Language, Mapping[str, Any]]] = {
    "vi": {
        "title": "Dấu hiệu bất thường",
        "means": "Đây là dấu hiệu để xem xét, không phải kết luận. Mọi lượt trả lời vẫn được tính.",
        "none": "Không có dấu hiệu nào.",
        "days": "Ngày",
        "device": "Thiết bị",
        "chance": "Xác suất ở một cơ quan trung thực",
        "seen": "Thấy lần đầu",
        "figures": "Số liệu",
        "looks": "Đã xem xét",
        "outcome": {"harmless": "Vô hại", "confirmed": "Xác nhận"},
        "why": "Vì sao",
        "figure": {
            "n": "lượt trả lời",
            "top": "ở mức cao nhất",
            "minutes": "trong số phút",
            "from": "từ",
            "usual_an_hour": "thường mỗi giờ",
            "seconds": "cách nhau số giây",
            "open_n": "lượt trong giờ làm việc",
            "open_top": "trong đó ở mức cao nhất",
            "satisfied": "hài lòng",
            "others_n": "lượt ở nơi khác",
            "others_satisfied": "trong đó hài lòng",
            "identical": "giống nhau mọi câu",
            "others_identical": "trong đó giống nhau mọi câu",
        },
    },
    "en": {
        "title": "Suspicions",
        "means": "Something to look at, no verdict. Every answer goes on counting.",
        "none": "There is no suspicion.",
        "days": "Days",
        "device": "Device",
        "chance": "Probability at an honest office",
        "seen": "First seen",
        "figures": "Figures",
        "looks": "Looked at",
        "outcome": {"harmless": "Harmless", "confirmed": "Confirmed"},
        "why": "Why",
        "figure": {
            "n": "answers",
            "top": "the best one",
            "minutes": "within minutes",
            "from": "from",
            "usual_an_hour": "usual an hour",
            "seconds": "seconds apart",
            "open_n": "answers while open",
            "open_top": "of them the best one",
            "satisfied": "satisfied",
            "others_n": "answers elsewhere",
            "others_satisfied": "of them satisfied",
            "identical": "one answer to everything",
            "others_identical": "of them one answer to everything",
        },
    },
}
