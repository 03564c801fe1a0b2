variable "project" {
  type        = string
  description = "The project's id."
}

variable "pubsub_agent" {
  type        = string
  description = "Pub/Sub's own service account in the project, as a member for IAM."
}

variable "dead_letter_topic" {
  type        = string
  description = "The full name of the topic to which an event is given up."
}

variable "region" {
  type        = string
  description = "The region that the function runs in."
}

variable "function" {
  type        = object({ name = string, uri = string })
  description = "The function that handles the events."
}

variable "topic" {
  type        = string
  description = "The topic's name behind topic_prefix; the subscription bears it too."
}

variable "topic_prefix" {
  type        = string
  description = "What the names of topics begin with, as ROLLCALL_TOPIC_PREFIX says it to the functions."
}

variable "timeout_seconds" {
  type        = number
  description = "The function's time limit."
}

variable "attempts" {
  type        = number
  description = "After how many deliveries an event is given up to the dead letters, 5 to 100."
  default     = 10
}

variable "publishers" {
  type        = map(string)
  description = "The members that may start the workflow, each under a name of its own."
  default     = {}
}
