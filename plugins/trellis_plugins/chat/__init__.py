"""Chat: messages to people in a group of WeCom, DingTalk, Feishu or Slack, or to any webhook."""
