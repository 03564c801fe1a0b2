package enroll

// PeopleOf is how the function finds people.
var PeopleOf = people
