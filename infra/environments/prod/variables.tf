variable "project" {
  type        = string
  description = "The project's id."
}

variable "region" {
  type        = string
  description = "The region that the functions run in."
  default     = "europe-west1"
}

variable "store_location" {
  type        = string
  description = "Where the data is kept. It cannot be changed later."
  default     = "eur3"
}

variable "settings" {
  type        = map(string)
  description = "Further environment variables of every function, ROLLCALL_*. No secret goes here."
  default     = {}
}

variable "admins" {
  type        = list(string)
  description = "Who may call the admin function, such as user:ada@example.com; no groups, for the function checks each address."
}

variable "keyless_accounts" {
  type        = list(string)
  description = "The addresses of the service accounts whose enterprises have a keyless credential."
  default     = []
}

variable "public_url" {
  type        = string
  description = "Under which URL devices reach the functions, where a load balancer with a name of its own stands before them."
  default     = null
}

variable "notification_channels" {
  type        = list(string)
  description = "The full names of the channels that alerts go to."
  default     = []
}

variable "network" {
  type        = object({ network = string, subnetwork = string })
  description = "The network and subnetwork through which LDAP servers with private addresses are reached, by their full names; null where all are on the internet."
  default     = null
}
