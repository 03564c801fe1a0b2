variable "project" {
  type        = string
  description = "The project's id."
}

variable "region" {
  type        = string
  description = "The region that the function runs in."
}

variable "name" {
  type        = string
  description = "The function's name: its folder below functions/ and its entry point."

  validation {
    condition     = can(regex("^[a-z]{4,20}$", var.name))
    error_message = "A function's name is 4 to 20 small letters, so that its service account's id fits."
  }
}

variable "description" {
  type        = string
  description = "What the function does, in one line."
}

variable "bucket" {
  type        = string
  description = "The bucket of archives."
}

variable "build_dir" {
  type        = string
  description = "The folder in which ./scripts/stage left the archives."
}

variable "build_service_account" {
  type        = string
  description = "The full name of the service account that builds the function."
}

variable "settings" {
  type        = map(string)
  description = "The function's environment variables: ROLLCALL_* and those of Go's runtime. No secret goes here."
}

variable "secrets" {
  type        = list(string)
  description = "The ids of the secrets that the function may read. One that ends in * stands for all that begin so, also those that come later: each enterprise has its own."
  default     = []
}

variable "project_number" {
  type        = string
  description = "The project's number, by which conditions of IAM name secrets."
}

variable "network" {
  type        = object({ network = string, subnetwork = string })
  description = "Where the function reaches private addresses, such as an LDAP server's; null is nowhere."
  default     = null
}

variable "invokers" {
  type        = list(string)
  description = "The members that may call the function; allUsers for device traffic."
  default     = []
}

variable "memory" {
  type        = string
  description = "Memory of one instance."
  default     = "512Mi"
}

variable "timeout_seconds" {
  type        = number
  description = "After how long one request is given up."
  default     = 60
}

variable "concurrency" {
  type        = number
  description = "How many requests one instance takes at once."
  default     = 80
}

variable "min_instances" {
  type        = number
  description = "How many instances are kept warm."
  default     = 0
}

variable "max_instances" {
  type        = number
  description = "How many instances there may be; it bounds the cost and the load on Google Play."
  default     = 20
}

variable "ingress" {
  type        = string
  description = "From where the function can be reached: ALLOW_ALL, or ALLOW_INTERNAL_AND_GCLB for nobody past the load balancer."
  default     = "ALLOW_ALL"
}
