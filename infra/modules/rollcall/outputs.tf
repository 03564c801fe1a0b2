output "uris" {
  description = "Where the functions answer that are called from outside."
  value       = { for name, f in module.http : name => f.uri }
}
