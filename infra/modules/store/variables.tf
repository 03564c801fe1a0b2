variable "project" {
  type        = string
  description = "The project's id."
}

variable "location" {
  type        = string
  description = "Where the data is kept, such as eur3 or europe-west1. It cannot be changed later."
}

variable "database" {
  type        = string
  description = "The database's id."
  default     = "(default)"
}

variable "protect" {
  type        = bool
  description = "Whether the database cannot be deleted and can be read as of any moment of the last seven days."
}

variable "collections" {
  type        = list(string)
  description = "The collections of records, one for each kind."
  default = [
    "accounts",
    "audit",
    "devices",
    "directories",
    "directoryChannels",
    "directoryManifests",
    "directoryPages",
    "directoryPlans",
    "directoryRuns",
    "directoryStates",
    "enrollmentTokens",
    "enrollmentUses",
    "enterprises",
    "mailBooks",
    "mailClients",
    "passwordPolicies",
    "passwordTurns",
    "passwords",
    "people",
    "playClaims",
    "signInAttempts",
  ]
}
