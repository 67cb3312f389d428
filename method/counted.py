"""The one definition of "counted": received = counted + excluded by a named rule.

Every screen, interface, export and alert counts by these rules and no others. Nothing is dropped
without one of these names, a count of it, and a trace of the record.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class Exclusion(StrEnum):
    """Why a received record is not counted."""

    MALFORMED = "malformed"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    FOREIGN_ITEM = "foreign_item"
    MISSING_OVERALL = "missing_overall"
    UNKNOWN_UNIT = "unknown_unit"
    UNIT_NOT_IN_FORCE = "unit_not_in_force"
    UNKNOWN_FIELD = "unknown_field"
    LATE = "late"
    FUTURE = "future"
    DUPLICATE = "duplicate"
    ID_REUSED = "id_reused"
    SEQUENCE_REUSED = "sequence_reused"
    TOKEN_USED = "token_used"  # noqa: S105  # no password
    ERROR = "error"


class RuleText(NamedTuple):
    """A rule in the words that people read."""

    vi: str
    en: str


RULES: Final[dict[Exclusion, RuleText]] = {
    Exclusion.MALFORMED: RuleText(
        "Bản ghi không đúng định dạng", "The record does not have the required form"
    ),
    Exclusion.UNKNOWN_INSTRUMENT: RuleText(
        "Mẫu phiếu hoặc phiên bản không có trong danh mục",
        "The questionnaire or its version is not known",
    ),
    Exclusion.FOREIGN_ITEM: RuleText(
        "Trả lời câu hỏi không có trong mẫu phiếu", "It answers an item its questionnaire lacks"
    ),
    Exclusion.MISSING_OVERALL: RuleText(
        "Thiếu câu hỏi chung", "The overall question is not answered"
    ),
    Exclusion.UNKNOWN_UNIT: RuleText(
        "Đơn vị không có trong danh mục", "The unit is not in the registry"
    ),
    Exclusion.UNIT_NOT_IN_FORCE: RuleText(
        "Đơn vị không hoạt động vào ngày đó", "The unit was not in force on that day"
    ),
    Exclusion.UNKNOWN_FIELD: RuleText(
        "Lĩnh vực không có trong danh mục", "The service field is not in the registry"
    ),
    Exclusion.LATE: RuleText("Gửi quá muộn", "It came too late"),
    Exclusion.FUTURE: RuleText("Thời điểm ở tương lai", "It is dated in the future"),
    Exclusion.DUPLICATE: RuleText(
        "Gửi lặp lại: đã được tính một lần", "Sent again: it is counted already"
    ),
    Exclusion.ID_REUSED: RuleText(
        "Mã phiếu đã dùng cho nội dung khác", "Its id was used before for other content"
    ),
    Exclusion.SEQUENCE_REUSED: RuleText(
        "Số thứ tự của thiết bị đã dùng cho phiếu khác: có thể khóa của thiết bị bị sao chép",
        "Its number was used by its device before: the device's key may have been copied",
    ),
    Exclusion.TOKEN_USED: RuleText(
        "Mã đánh giá đã được sử dụng", "Its dossier token has voted before"
    ),
    Exclusion.ERROR: RuleText(
        "Lỗi phần mềm khi xử lý bản ghi", "Our own code failed on the record"
    ),
}
