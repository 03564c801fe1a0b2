variable "project" {
  type        = string
  description = "The project's id."
}

variable "http_functions" {
  type        = list(string)
  description = "The functions that answer callers. Those that handle events are not among them: their failures are redeliveries."
}

variable "subscriptions" {
  type        = map(string)
  description = "The ids of the subscriptions that feed functions with events, by the function's name."
}

variable "dead_letters" {
  type        = string
  description = "The id of the subscription that keeps dead letters."
}

variable "notification_channels" {
  type        = list(string)
  description = "The full names of the channels that are told."
  default     = []
}
