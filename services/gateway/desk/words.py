"""What the desk says, in Vietnamese and English."""

from collections.abc import Mapping
from typing import Any, Final

from services.gateway.people.pages import Language

WORDS: Final[Mapping[Language, Mapping[str, Any]]] = {
    "vi": {
        "title": "Cảnh báo của cơ quan",
        "none": "Không có cảnh báo nào trong 90 ngày qua.",
        "problem": "Chưa ghi nhận phản hồi:",
        "state": {"firing": "Đang báo động", "resolved": "Đã phục hồi"},
        "handling": {
            "waiting": "chưa phản hồi",
            "acknowledged": "đã tiếp nhận",
            "planned": "đã có kế hoạch",
            "done": "đã báo cáo kết quả",
        },
        "kind": {
            "change": "Mức hài lòng giảm so với thường lệ",
            "drop": "Mức hài lòng giảm so với giai đoạn trước",
            "below_target": "Mức hài lòng dưới mục tiêu",
        },
        "window": {
            "24h": "24 giờ qua",
            "7d": "7 ngày qua",
            "30d": "30 ngày qua",
            "90d": "90 ngày qua",
        },
        "before": "Giai đoạn liền trước",
        "target": "Mục tiêu",
        "baseline": "Mức trước khi giảm",
        "usual": "Mức thường thấy tại đây",
        "since": "Từ",
        "of": "trên",
        "answers": "lượt trả lời",
        "unsatisfied": "không hài lòng",
        "opened": "Báo động lúc",
        "answer_due": "Hạn phản hồi",
        "plan_due": "Hạn của kế hoạch",
        "escalated": "Đã chuyển lên cấp trên",
        "times": "lần",
        "reply": {
            "acknowledged": "Đã tiếp nhận",
            "cause": "Nguyên nhân",
            "plan": "Kế hoạch khắc phục",
            "result": "Kết quả: đã thay đổi những gì",
        },
        "due": "Hoàn thành trước hết ngày",
        "send": "Gửi",
        "history": "Các phản hồi",
    },
    "en": {
        "title": "Your agency's alerts",
        "none": "No alert in the last 90 days.",
        "problem": "The answer was not taken:",
        "state": {"firing": "Firing", "resolved": "Recovered"},
        "handling": {
            "waiting": "not answered",
            "acknowledged": "acknowledged",
            "planned": "planned",
            "done": "result reported",
        },
        "kind": {
            "change": "Satisfaction fell below what is usual",
            "drop": "Satisfaction fell against the window before",
            "below_target": "Satisfaction is below target",
        },
        "window": {
            "24h": "Last 24 hours",
            "7d": "Last 7 days",
            "30d": "Last 30 days",
            "90d": "Last 90 days",
        },
        "before": "Window before",
        "target": "Target",
        "baseline": "Level before the fall",
        "usual": "Usual here",
        "since": "Since",
        "of": "of",
        "answers": "answers",
        "unsatisfied": "not satisfied",
        "opened": "Since",
        "answer_due": "To be answered by",
        "plan_due": "Plan to be done by",
        "escalated": "Told to the level above",
        "times": "times",
        "reply": {
            "acknowledged": "Acknowledge",
            "cause": "Cause",
            "plan": "Plan",
            "result": "Result: what was changed",
        },
        "due": "Done by the end of",
        "send": "Send",
        "history": "Answers",
    },
}
