variable "project" {
  type        = string
  description = "The project's id."
}

variable "region" {
  type        = string
  description = "The region that the functions run in."
}

variable "store_location" {
  type        = string
  description = "Where the data is kept, such as eur3 or europe-west1. It cannot be changed later."
}

variable "build_dir" {
  type        = string
  description = "The folder in which ./scripts/stage left the archives."
}

variable "protect" {
  type        = bool
  description = "Whether the data is kept from deletion and can be read as of any moment of the last seven days."
}

variable "settings" {
  type        = map(string)
  description = "Further environment variables of every function, ROLLCALL_*. No secret goes here."
  default     = {}
}

variable "admins" {
  type        = list(string)
  description = "Who may call the admin function, such as user:ada@example.com; no groups, for the function checks each address."

  validation {
    condition     = alltrue([for member in var.admins : can(regex("^(user|serviceAccount):[^,]+@", member))])
    error_message = "An administrator is written user:ADDRESS or serviceAccount:ADDRESS."
  }
}

variable "keyless_accounts" {
  type        = list(string)
  description = "The addresses of the service accounts whose enterprises have a keyless credential: the functions that act as them may have Google sign for them."
  default     = []

  validation {
    condition     = alltrue([for account in var.keyless_accounts : can(regex("^[a-z][-a-z0-9]+@[-a-z0-9.]+[.]iam[.]gserviceaccount[.]com$", account))])
    error_message = "A keyless service account is written NAME@PROJECT.iam.gserviceaccount.com."
  }
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

variable "warm_instances" {
  type        = number
  description = "How many instances of each device function are kept warm."
  default     = 0
}

variable "max_instances" {
  type        = number
  description = "How many instances of each function there may be."
  default     = 20
}

variable "network" {
  type        = object({ network = string, subnetwork = string })
  description = "The network and subnetwork through which LDAP servers with private addresses are reached, by their full names; null where all are on the internet."
  default     = null
}
