"""What the page of commendations says, in Vietnamese and English."""

from collections.abc import Mapping
from typing import Any, Final

from services.gateway.people.pages import Language

WORDS: Final[Mapping[Language, Mapping[str, Any]]] = {
    "vi": {
        "title": "Cơ quan đạt trên mục tiêu",
        "quarter": "Quý",
        "quarters": "Chọn quý",
        "draft": "Bản nháp: số liệu của quý này còn thay đổi. Công bố từ ngày",
        "drafts": "Bản nháp (cần đăng nhập)",
        "basis": "Thông tin quản lý, không phải thống kê chính thức: ai muốn thì trả lời.",
        "means": "Chỉ số hài lòng cả quý cao hơn mục tiêu và cao hơn các cơ quan cùng loại, vượt "
        "quá mức ngẫu nhiên; tháng nào cũng trên mục tiêu. Xếp theo tên, không xếp hạng.",
        "target": "Mục tiêu",
        "judged": "Số cơ quan đủ số liệu để xét",
        "false": "Tỷ lệ có tên do ngẫu nhiên, trung bình nhiều nhất",
        "none": "Không có cơ quan nào trong quý này.",
        "index": "Chỉ số của quý",
        "months": "Từng tháng",
        "days": "Số ngày có trả lời",
        "peers": "So với",
        "kind": {
            "commune": "cơ quan cấp xã khác",
            "province": "cơ quan cấp tỉnh khác",
            "ministry": "cơ quan khác thuộc bộ, ngành",
        },
        "everywhere": "cả nước",
        "chance": "Xác suất ngẫu nhiên",
        "of": "trên",
        "answers": "lượt trả lời",
        "withheld": "không công bố, để bảo vệ người trả lời",
        "home": "Chỉ số hài lòng",
    },
    "en": {
        "title": "Offices above target",
        "quarter": "Quarter",
        "quarters": "Choose a quarter",
        "draft": "Draft: the figures of this quarter still move. Published from",
        "drafts": "Drafts (for those signed in)",
        "basis": "Management information, no official statistics: whoever likes may answer.",
        "means": "The index of the whole quarter is above the target and above that of offices of "
        "the same kind, beyond chance, and each month is above the target. In the order of names: "
        "this is no ranking.",
        "target": "Target",
        "judged": "Offices with enough answers to be judged",
        "false": "Of those listed, here by chance, on average at most",
        "none": "No office in this quarter.",
        "index": "Index of the quarter",
        "months": "Month by month",
        "days": "Days with answers",
        "peers": "Against",
        "kind": {
            "commune": "other communal offices",
            "province": "other provincial offices",
            "ministry": "other offices of ministries",
        },
        "everywhere": "the whole country",
        "chance": "Probability of chance",
        "of": "of",
        "answers": "answers",
        "withheld": "withheld, to protect those who answered",
        "home": "Satisfaction indices",
    },
}
