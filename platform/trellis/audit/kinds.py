"""What is noted in the audit. The names are permanent; the labels are for people."""

from __future__ import annotations

from collections.abc import Mapping

KINDS: Mapping[str, Mapping[str, str]] = {
    "logged_in": {"en": "Logged in", "zh": "登录"},
    "log_in_failed": {"en": "Log-in failed", "zh": "登录失败"},
    "log_in_paused": {"en": "Log-in paused after wrong guesses", "zh": "多次猜错后暂停登录"},
    "logged_out": {"en": "Logged out", "zh": "退出"},
    "session_ended": {"en": "Session ended", "zh": "会话被结束"},
    "acting_began": {"en": "Logged in as somebody else", "zh": "以他人身份登录"},
    "acting_ended": {"en": "Ended being logged in as somebody else", "zh": "结束以他人身份登录"},
    "password_changed": {"en": "Password changed", "zh": "修改密码"},
    "link_made": {"en": "One-time link made", "zh": "生成一次性链接"},
    "link_used": {"en": "One-time link used", "zh": "使用一次性链接"},
    "second_factor_set": {"en": "Second factor set", "zh": "设置双重验证"},
    "second_factor_removed": {"en": "Second factor removed", "zh": "移除双重验证"},
    "recovery_code_used": {"en": "Recovery code used", "zh": "使用恢复码"},
    "token_made": {"en": "API token made", "zh": "创建 API 令牌"},
    "token_revoked": {"en": "API token revoked", "zh": "撤销 API 令牌"},
    "account_made": {"en": "Account made", "zh": "创建账号"},
    "account_changed": {"en": "Account changed", "zh": "修改账号"},
    "user_deactivated": {"en": "User deactivated", "zh": "停用用户"},
    "user_activated": {"en": "User activated", "zh": "启用用户"},
    "handed_over": {"en": "Records handed over", "zh": "移交记录"},
    "handover_undone": {"en": "Hand-over taken back", "zh": "撤销移交"},
    "membership_added": {"en": "Membership added", "zh": "加入角色、组或权限集"},
    "membership_removed": {"en": "Membership removed", "zh": "移出角色、组或权限集"},
    "rights_changed": {"en": "Rights changed by a publication", "zh": "发布修改了权限"},
    "security_changed": {"en": "Security settings changed", "zh": "修改安全设置"},
    "exported": {"en": "Records exported", "zh": "导出记录"},
    "audit_exported": {"en": "Audit exported", "zh": "导出审计"},
    "job_retried": {"en": "Background job tried again", "zh": "重试后台作业"},
    "job_cancelled": {"en": "Background job cancelled", "zh": "取消后台作业"},
    "sensitive_viewed": {"en": "Sensitive fields viewed", "zh": "查看敏感字段"},
}
